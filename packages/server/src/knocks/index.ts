/**
 * Knocks: refused or broken connection attempts, remembered so that "why isn't my machine in the list?"
 * has an answer from the door's side. Noted in memory, folded, and written every two seconds; bounded
 * whatever comes. Never kept: codes, signatures, tokens, bodies.
 */
import type { Clock } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import { deleteInSteps, type KnocksRow, type Store, type WriteTx } from '../store/index.ts';
import { ClaimFilter } from './claim-filter.ts';
import { knownRows, strangersRows, usualDays } from './limits.ts';
import { knockOperations } from './operations.ts';
import { countRoom, trimClaims, trimRoom, trimSources, writeKnocks } from './queries.ts';
import { type IsKnown, sortRooms } from './sort-rooms.ts';
import { sourceOf } from './source-of.ts';
import { harmlessText } from './untrusted-text.ts';
import { type WaitingKnock, WaitingRoom } from './waiting-room.ts';

export { sourceOf } from './source-of.ts';

/** One refused or broken attempt, as the door saw it. All of it may be a stranger's text. */
export interface Knock {
  /** Milliseconds since the epoch; now when left out. */
  readonly at?: number;
  readonly address: string;
  /** Not remembered: it belongs to a connection that is gone. */
  readonly port?: number;
  /** Who it claimed to be: a node id, an activation id or an access key id. */
  readonly claim?: string;
  /** Kebab-case, one word per layer and cause. */
  readonly reason: string;
  /** How far it came: `tcp`, `tls`, `http`, `signature`, `policy`, `activation`. */
  readonly layer: string;
  /** The client's family, or its user agent. */
  readonly client: string;
  readonly serverName?: string | undefined;
  readonly region?: string | undefined;
  readonly detail?: string | undefined;
}

/** The knocks of one server. */
export interface Knocks {
  readonly operations: readonly AnyOperation[];
  /** Notes an attempt. Takes microseconds, does no I/O, and never throws for what a stranger sent. */
  note(knock: Knock): void;
  /** Says that a claim is in our books now, so that a flood can't crowd out its knocks. Synchronous. */
  learn(claim: string): void;
  /** Writes what waits; resolves when it is on disk. */
  flush(): Promise<void>;
  /** Deletes what is too old, in small steps; answers how many rows went. */
  sweep(): Promise<number>;
  /** Writes what waits and stops. */
  close(): Promise<void>;
  /** How many folded knocks wait in memory: bounded. */
  readonly waiting: number;
}

/** What the knocks need. */
export interface KnocksDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Is the claim in our books? Asked when knocks are written, never when they are noted. */
  readonly isKnown: IsKnown;
  /** All claims in our books, to begin with: a flood right after the start shall find them known. */
  readonly knownClaims?: () => Promise<Iterable<string>>;
  /** For how many days each room keeps its rows; asked at each sweep. */
  readonly retentionDays?: () => Readonly<Record<KnocksRow['room'], number>>;
  /** Told when knocks couldn't be written; they are kept, within bounds, and tried again. */
  readonly onError?: (error: unknown) => void;
}

const flushPeriod = 2000;
/** What is noted stands in the books this soon, where they can be written: a period, and a slow disk (milliseconds). */
export const writtenWithin = 5000;
const recountEvery = 30;

/** Opens the door's memory. */
export function openKnocks(deps: KnocksDeps): Knocks {
  const { store, clock } = deps;
  const filter = new ClaimFilter();
  const waiting = new WaitingRoom();
  const ready = learnAll(deps, filter);
  const rooms = { known: roomKeeper('known', knownRows), stranger: roomKeeper('stranger', strangersRows) };
  let flushing: Promise<void> = ready;

  async function writeWaiting(): Promise<void> {
    const rows = waiting.take();
    if (rows.length === 0) return;
    try {
      await sortRooms(rows, filter, deps.isKnown);
      const known = inKeyOrder(rows.filter((row) => row.room === 'known'));
      const strangers = inKeyOrder(rows.filter((row) => row.room === 'stranger'));
      await store.write(async (tx) => {
        await writeKnocks(tx, known);
        await trimClaims(tx, [...new Set(known.map((row) => row.claim))]);
        await rooms.known(tx, known.length);
        await writeKnocks(tx, strangers);
        await trimSources(tx, [...new Set(strangers.map((row) => row.source))]);
        await rooms.stranger(tx, strangers.length);
      });
    } catch (error) {
      for (const row of rows) waiting.add(row);
      deps.onError?.(error);
    }
  }
  function flush(): Promise<void> {
    flushing = flushing.then(writeWaiting);
    return flushing;
  }
  const timer = clock.every(flushPeriod, () => void flush());

  return {
    operations: knockOperations({ store }),
    note: (knock) => waiting.add(waitingKnock(knock, knock.at ?? clock.now(), filter)),
    learn: (claim) => filter.learn(claim),
    flush,
    async sweep() {
      let gone = 0;
      for (const [room, days] of Object.entries(deps.retentionDays?.() ?? usualDays)) {
        const before = clock.now() - days * 86_400_000;
        gone += await deleteInSteps(store, 'knocks', (row) =>
          row.and([row('room', '=', room as KnocksRow['room']), row('last_at', '<', before)]),
        );
      }
      return gone;
    },
    async close() {
      timer.cancel();
      await flush();
    },
    get waiting() {
      return waiting.size;
    },
  };
}

async function learnAll(deps: KnocksDeps, filter: ClaimFilter): Promise<void> {
  try {
    for (const claim of (await deps.knownClaims?.()) ?? []) filter.learn(claim);
  } catch (error) {
    // Without it the known room still fills, by the answers of isKnown; only a flood is withstood less well.
    deps.onError?.(error);
  }
}

function waitingKnock(knock: Knock, at: number, filter: ClaimFilter): WaitingKnock {
  const claim = harmlessText(knock.claim ?? '', 64);
  return {
    room: claim !== '' && filter.maybeKnown(claim) ? 'known' : 'stranger',
    source: sourceOf(knock.address),
    claim,
    reason: harmlessText(knock.reason, 64),
    first_at: at,
    last_at: at,
    count: 1,
    address: harmlessText(knock.address, 60),
    layer: harmlessText(knock.layer, 16),
    client: harmlessText(knock.client, 128),
    server_name: knock.serverName === undefined ? null : harmlessText(knock.serverName, 255),
    region: knock.region === undefined ? null : harmlessText(knock.region, 64),
    detail: knock.detail === undefined ? null : harmlessText(knock.detail, 256),
  };
}

/** Keeps a room within its limit. It counts by what it wrote, and really only when that could be too much. */
function roomKeeper(room: KnocksRow['room'], limit: number): (tx: WriteTx, written: number) => Promise<void> {
  let atMost = Number.POSITIVE_INFINITY;
  let turn = 0;
  return async (tx, written) => {
    atMost += written;
    // Other servers write into the same room: recount now and then.
    if (atMost <= limit && ++turn % recountEvery !== 0) return;
    atMost = await countRoom(tx, room);
    if (atMost <= limit) return;
    // A little more than needed, so that a full room isn't ranked at every flush.
    const surplus = atMost - limit + Math.floor(limit / 100);
    await trimRoom(tx, room, surplus);
    atMost -= surplus;
  };
}

/** Several servers write at once: always in the same order, so that none waits for another in a circle. */
function inKeyOrder(rows: KnocksRow[]): KnocksRow[] {
  const key = (row: KnocksRow) => `${row.source}\n${row.claim}\n${row.reason}`;
  return rows
    .map((row) => [key(row), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}
