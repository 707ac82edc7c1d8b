/**
 * The status of a node, from its presence row and what the servers know of themselves. Nothing stores a
 * status: `status-sql.ts` says the same in SQL, and `cases.ts` holds the two together.
 */
import type { PresenceRow } from '../store/index.ts';
import { type Interval, overlap } from './blindness.ts';

/** AWS's words for what a node is. */
export type PingStatus = 'Online' | 'ConnectionLost';

/** What a status is computed from: the presence row, and when the node registered. */
export type PresenceFacts = Pick<
  PresenceRow,
  'last_ping' | 'period' | 'channel_server' | 'opened_at' | 'closed_at' | 'closed_by'
> & { readonly registered_at: number };

/** A time in which too many nodes lost their channels at once: the fault is near us, not theirs. */
export interface MassLoss {
  readonly from: number;
  readonly to: number;
}

/** What the servers know of themselves, at one moment. */
export interface PresenceView {
  readonly now: number;
  /** When no server listened; oldest first. */
  readonly blind: readonly Interval[];
  /** When the server that started last did so. */
  readonly lastStart: number;
  /** Servers whose lease runs: only their channels are open. */
  readonly liveServers: readonly string[];
  /** Whether a node that closed its channel is lost before its heartbeat is overdue. */
  readonly earlyLoss: boolean;
  readonly massLosses: readonly MassLoss[];
}

/** How long a node may be without its channel before it counts as lost. */
export const earlyLossAfter = 30_000;
/** After how much lost time (blind time not counted) a node leaves the default list. */
export const hiddenAfter = 30 * 86_400_000;
/** Seconds between heartbeats that official agents use by themselves. */
export const defaultPeriod = 300;
/** Official agents can be told to ping this seldom, not less often (seconds). */
export const longestPeriod = 3600;

/** What can be said of a node. */
export interface NodePresence {
  readonly status: PingStatus;
  /** True when a server that lives holds the node's control channel. */
  readonly connected: boolean;
  /** Lost for so long that default lists leave the node out. */
  readonly hidden: boolean;
}

/** Says what a node is. */
export function statusOf(row: PresenceFacts, view: PresenceView): NodePresence {
  const online = heartbeatInTime(row, view) && !lostEarly(row, view);
  return {
    status: online ? 'Online' : 'ConnectionLost',
    connected: isConnected(row, view),
    hidden: !online && lostForLong(row, view),
  };
}

/** Younger than two periods of listened time; than three when a server started after it. */
function heartbeatInTime(row: PresenceFacts, view: PresenceView): boolean {
  if (row.last_ping === null) return false;
  const listened = listenedAge(row.last_ping, view);
  const periods = row.last_ping < view.lastStart ? 3 : 2;
  return listened < periods * row.period * 1000;
}

/**
 * The node's side ended the channel, nothing was heard since, and someone was there to hear it all the
 * time. `server` closings never count, nor those that came as one of many at once, for a period.
 */
function lostEarly(row: PresenceFacts, view: PresenceView): boolean {
  if (!view.earlyLoss || row.closed_at === null) return false;
  const closedAt = row.closed_at;
  if (row.closed_by !== 'node' && row.closed_by !== 'silence') return false;
  if (row.last_ping !== null && row.last_ping > closedAt) return false;
  if (view.now - closedAt < earlyLossAfter || closedAt < listeningSince(view)) return false;
  const oneOfMany = view.massLosses.some((loss) => closedAt >= loss.from && closedAt <= loss.to);
  return !(oneOfMany && view.now - closedAt < row.period * 1000);
}

function lostForLong(row: PresenceFacts, view: PresenceView): boolean {
  return listenedAge(row.last_ping ?? row.registered_at, view) >= 2 * row.period * 1000 + hiddenAfter;
}

function isConnected(row: PresenceFacts, view: PresenceView): boolean {
  return (
    row.opened_at !== null &&
    row.closed_at === null &&
    row.channel_server !== null &&
    view.liveServers.includes(row.channel_server)
  );
}

function listenedAge(since: number, view: PresenceView): number {
  return view.now - since - overlap(view.blind, since, view.now);
}

/** Since when at least one server has listened without a gap. */
export function listeningSince(view: PresenceView): number {
  return view.blind.at(-1)?.to ?? 0;
}
