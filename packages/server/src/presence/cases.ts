/**
 * Every case of presence, as data: what is stored, what the servers know of themselves, and what the node
 * is then. The TypeScript and the SQL are both tested against this table; a new rule begins with a row here.
 */
import type { NodePresence, PresenceFacts, PresenceView } from './status.ts';

/** One case; all times are seconds ago. */
export interface PresenceCase {
  readonly title: string;
  /** The last heartbeat; null: never. */
  readonly ping: number | null;
  readonly period?: number;
  readonly registered?: number;
  /** The channel: since when, until when, who ended it, on which server. */
  readonly channel?: {
    readonly opened: number;
    readonly closed?: number;
    readonly by?: 'node' | 'server' | 'silence';
    readonly server?: string;
  };
  /** When nobody listened: from, to. */
  readonly blind?: readonly (readonly [number, number])[];
  /** When a server started last; long ago when left out. */
  readonly start?: number;
  /** Closings in this time came as many at once: from, to. */
  readonly massLoss?: readonly [number, number];
  readonly earlyLoss?: false;
  readonly is: 'Online' | 'ConnectionLost' | 'hidden';
  /** Whether the node counts as connected; false when left out. */
  readonly connected?: true;
}

const minute = 60;
const hour = 3600;
const day = 86_400;

/** The table. */
export const presenceCases: readonly PresenceCase[] = [
  // The heartbeat alone.
  { title: 'heard just now', ping: 0, is: 'Online' },
  { title: 'heard one period ago', ping: 300, is: 'Online' },
  { title: 'heard a second less than two periods ago', ping: 599, is: 'Online' },
  { title: 'heard two periods ago', ping: 600, is: 'ConnectionLost' },
  { title: 'a slower agent is given two of its own periods', ping: 50 * minute, period: 1800, is: 'Online' },
  { title: 'and not more', ping: hour, period: 1800, is: 'ConnectionLost' },
  { title: 'the slowest agent', ping: 2 * hour - 1, period: 3600, is: 'Online' },
  { title: 'registered, never heard', ping: null, registered: 10, is: 'ConnectionLost' },

  // Our own blindness.
  {
    title: 'lost while nobody listened: not lost',
    ping: hour,
    blind: [[55 * minute, 1]],
    start: 1,
    is: 'Online',
  },
  { title: 'blind right now', ping: 15 * minute, blind: [[14 * minute, 0]], is: 'Online' },
  {
    title: 'after a start, a node has three periods of listened time',
    ping: hour,
    blind: [[hour - 60, 800]],
    start: 800,
    is: 'Online',
  },
  {
    title: 'but not more',
    ping: hour,
    blind: [[hour - 100, 800]],
    start: 800,
    is: 'ConnectionLost',
  },
  {
    title: 'a start before the ping gives nothing',
    ping: 700,
    blind: [[2 * hour, hour]],
    start: hour,
    is: 'ConnectionLost',
  },
  { title: 'a start without a gap gives one period all the same', ping: 700, start: 400, is: 'Online' },
  {
    title: 'blind time before the ping gives nothing',
    ping: 650,
    blind: [[2 * day, day]],
    is: 'ConnectionLost',
  },
  {
    title: 'two blind times add up',
    ping: 1500,
    blind: [
      [1400, 1000],
      [900, 300],
    ],
    is: 'Online',
  },
  {
    title: 'two blind times, and still too long',
    ping: 1700,
    blind: [
      [1400, 1000],
      [900, 300],
    ],
    is: 'ConnectionLost',
  },
  { title: 'heard within a blind time that began later', ping: 1000, blind: [[1200, 500]], is: 'Online' },

  // Lost early: the node's side ended its channel.
  {
    title: 'closed by the node half a minute ago',
    ping: 100,
    channel: { opened: 900, closed: 30, by: 'node' },
    is: 'ConnectionLost',
  },
  {
    title: 'closed by the node a moment ago',
    ping: 100,
    channel: { opened: 900, closed: 29, by: 'node' },
    is: 'Online',
  },
  {
    title: 'went silent',
    ping: 100,
    channel: { opened: 900, closed: 60, by: 'silence' },
    is: 'ConnectionLost',
  },
  {
    title: 'heard again since',
    ping: 59,
    channel: { opened: 900, closed: 60, by: 'node' },
    is: 'Online',
  },
  {
    title: 'heard at the very moment of closing: not since',
    ping: 60,
    channel: { opened: 900, closed: 60, by: 'node' },
    is: 'ConnectionLost',
  },
  { title: 'we closed it', ping: 100, channel: { opened: 900, closed: 60, by: 'server' }, is: 'Online' },
  {
    title: 'the setting is off',
    ping: 100,
    channel: { opened: 900, closed: 60, by: 'node' },
    earlyLoss: false,
    is: 'Online',
  },
  {
    title: 'off, and the heartbeat is overdue',
    ping: 600,
    channel: { opened: 900, closed: 60, by: 'node' },
    earlyLoss: false,
    is: 'ConnectionLost',
  },
  {
    title: 'closed before a blind time: it could not have come back',
    ping: 200,
    channel: { opened: 900, closed: 120, by: 'node' },
    blind: [[100, 50]],
    start: 50,
    is: 'Online',
  },
  {
    title: 'closed after the last blind time',
    ping: 200,
    channel: { opened: 900, closed: 45, by: 'node' },
    blind: [[100, 50]],
    start: 50,
    is: 'ConnectionLost',
  },
  {
    title: 'one of many at once',
    ping: 100,
    channel: { opened: 900, closed: 60, by: 'node' },
    massLoss: [70, 0],
    is: 'Online',
  },
  {
    title: 'one of many at once, a period ago',
    ping: 400,
    channel: { opened: 900, closed: 300, by: 'node' },
    massLoss: [310, 250],
    is: 'ConnectionLost',
  },
  {
    title: 'closed after the many',
    ping: 200,
    channel: { opened: 900, closed: 60, by: 'node' },
    massLoss: [170, 110],
    is: 'ConnectionLost',
  },

  // The channel.
  { title: 'connected', ping: 10, channel: { opened: 900 }, is: 'Online', connected: true },
  {
    title: 'connected, but no heartbeat: the channel is no heartbeat',
    ping: 900,
    channel: { opened: 900 },
    is: 'ConnectionLost',
    connected: true,
  },
  {
    title: 'connected before the first heartbeat',
    ping: null,
    registered: 10,
    channel: { opened: 5 },
    is: 'ConnectionLost',
    connected: true,
  },
  {
    title: 'the server that holds the channel lives no more',
    ping: 10,
    channel: { opened: 900, server: 'dead' },
    is: 'Online',
  },

  // Lost for long.
  { title: 'lost for 29 days', ping: 29 * day, is: 'ConnectionLost' },
  { title: 'lost for a second less than 30 days', ping: 30 * day + 599, is: 'ConnectionLost' },
  { title: 'lost for 30 days', ping: 30 * day + 600, is: 'hidden' },
  {
    title: 'lost for 40 days, of which nobody listened for 11',
    ping: 40 * day,
    blind: [[35 * day, 24 * day]],
    start: 24 * day,
    is: 'ConnectionLost',
  },
  {
    title: 'lost for 42 days, of which nobody listened for 11',
    ping: 42 * day,
    blind: [[35 * day, 24 * day]],
    start: 24 * day,
    is: 'hidden',
  },
  { title: 'registered 31 days ago and never heard', ping: null, registered: 31 * day, is: 'hidden' },
  { title: 'registered 29 days ago and never heard', ping: null, registered: 29 * day, is: 'ConnectionLost' },
  { title: 'a slower agent, hidden later', ping: 30 * day + 3600, period: 1800, is: 'hidden' },
  { title: 'a slower agent, not yet', ping: 30 * day + 3599, period: 1800, is: 'ConnectionLost' },
];

/** The case as the functions see it, when it is `now`. */
export function factsOf(one: PresenceCase, now: number): PresenceFacts {
  const ago = (seconds: number | null | undefined) => (seconds == null ? null : now - seconds * 1000);
  return {
    registered_at: now - (one.registered ?? 100 * day) * 1000,
    last_ping: ago(one.ping),
    period: one.period ?? 300,
    channel_server: one.channel ? (one.channel.server ?? 'live') : null,
    opened_at: ago(one.channel?.opened),
    closed_at: ago(one.channel?.closed),
    closed_by: one.channel?.by ?? null,
  };
}

/** What the servers know of themselves in a case. */
export function viewOf(one: PresenceCase, now: number): PresenceView {
  const span = ([from, to]: readonly [number, number]) => ({ from: now - from * 1000, to: now - to * 1000 });
  return {
    now,
    blind: (one.blind ?? []).map(span),
    lastStart: now - (one.start ?? 200 * day) * 1000,
    liveServers: ['live'],
    earlyLoss: one.earlyLoss ?? true,
    massLosses: one.massLoss ? [span(one.massLoss)] : [],
  };
}

/** What the case says. */
export function expected(one: PresenceCase): NodePresence {
  return {
    status: one.is === 'Online' ? 'Online' : 'ConnectionLost',
    connected: one.connected ?? false,
    hidden: one.is === 'hidden',
  };
}
