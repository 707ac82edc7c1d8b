/**
 * When the agent looks at its own machine, and when it tells the server what it saw: seldom, only what is news, and
 * never in the way of heartbeats or commands. What it saw while the server was out of reach it keeps, the latest
 * look, and tells it first when the way is free again.
 */
import { statfs } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.ts';
import { isPassing } from '../failures.ts';
import type { Log } from '../log.ts';
import type { Known, Look, Looking } from './look.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** A node that never told anything is looked at within so long after it is there: somebody has just enrolled it. */
const firstWithin = [2 * second, 15 * second] as const;
/** One that starts anew: with it, perhaps, a whole data centre. */
const startWithin = [30 * second, 10 * minute] as const;
/** After something was noticed that may be news. */
const noticedWithin = [20 * second, 90 * second] as const;
/** After the server went out of reach: what passes by itself isn't looked at. */
const outageWithin = [2 * minute, 4 * minute] as const;
/** After it came back: what was told of the outage isn't so any more. */
const afterWithin = [2 * minute, 10 * minute] as const;
/** Without any reason. */
const routineWithin = [45 * minute, 75 * minute] as const;
/** While something seems wrong: what the server was told is to count until the next look. */
const troubleWithin = [11 * minute, 14 * minute] as const;
/** Two looks are never closer, whatever is noticed; the first after an outage began is. */
const leastApart = 10 * minute;
/** The same is told again after this, so that what the server has doesn't grow old without a reason. */
const toldFor = 6 * hour;
/** What was kept is told within this time after the way is free, but no longer than a tenth of the outage. */
const tellWithin = 30 * second;
/** Telling is tried again after these, and then no more until the next look. */
const retries = [minute, 5 * minute, 25 * minute];
/** A server that doesn't take it is asked again tomorrow. */
const notTakenFor = 24 * hour;

/** What the evidence of an agent needs. */
export interface EvidenceDeps {
  readonly root: string;
  readonly clock: Clock;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly look: Looking;
  /** Tells the server; throws as calls do. */
  readonly tell: (json: string) => Promise<void>;
  /** How far our clock is ahead of the server's (ms), by its last answer. */
  readonly skew: () => number;
  /** What was last told, by this process or the one before. */
  readonly told: () => { readonly at: string; readonly sign: string } | undefined;
  readonly wasTold: (told: { readonly at: string; readonly sign: string }) => void;
  /** Free and all bytes where the agent keeps its files. The disk's, unless given. */
  readonly room?: () => Promise<{ free: number; all: number }>;
}

/** See the head of this file. */
export interface Evidence {
  /** The server is reached: over the channel, or (`withoutChannel`) only by what the node itself sends. */
  reached(withoutChannel?: boolean): void;
  /** It isn't any more. Told again and again, it counts once. */
  lost(): void;
  /** The network, or the time, is another. */
  noticed(): void;
  /** A heartbeat got through: a moment to see whether anything has changed that is cheap to see. */
  beaten(): void;
  close(): void;
}

/** A look that is to be told. */
interface Kept extends Look {
  readonly at: number;
  /** Tries so far. */
  readonly tries: number;
}

/** Opens it. Nothing is done before the server is reached, or is lost. */
export function openEvidence(deps: EvidenceDeps): Evidence {
  const { clock, random, log } = deps;
  const ending = new AbortController();
  const monotonic = () => clock.monotonic?.() ?? clock.now();
  let way: 'channel' | 'heartbeats' | undefined;
  let lostAt: number | undefined;
  let lookedAt: number | undefined;
  let isLooking = false;
  let kept: Kept | undefined;
  let isTelling = false;
  let notTakenUntil = 0;
  let looks: { readonly timer: Timer; readonly at: number } | undefined;
  let tells: Timer | undefined;
  let cheap = '';

  const within = ([least, most]: readonly [number, number]) => least + random() * (most - least);

  /** The sooner of two reasons counts. */
  function lookIn(ms: number, apart = leastApart): void {
    if (ending.signal.aborted) return;
    const now = monotonic();
    const at = Math.max(now + ms, lookedAt === undefined ? 0 : lookedAt + apart);
    if (looks && looks.at <= at) return;
    looks?.timer.cancel();
    looks = { at, timer: clock.after(at - now, () => void look()) };
  }

  async function look(): Promise<void> {
    looks = undefined;
    if (isLooking || monotonic() < notTakenUntil) return lookIn(within(routineWithin));
    isLooking = true;
    const known: Known = { isReached: way === 'channel', skew: deps.skew() };
    const at = monotonic();
    lookedAt = at;
    const seen = await deps.look(known, ending.signal).catch(() => undefined);
    isLooking = false;
    if (ending.signal.aborted) return;
    lookIn(within(seen?.isTrouble ? troubleWithin : routineWithin));
    if (!seen) return log('debug', 'Nothing could be seen of this machine.');
    if (!isNews(seen)) return;
    kept = { ...seen, at, tries: 0 };
    if (way !== undefined) tell();
  }

  function isNews({ sign, isTrouble }: Look): boolean {
    const told = deps.told();
    if (isTrouble || way === undefined || told?.sign !== sign) return true;
    const age = clock.now() - Date.parse(told.at);
    return !(age >= 0 && age < toldFor);
  }

  function tell(): void {
    tells?.cancel();
    tells = undefined;
    if (!kept || isTelling || way === undefined) return;
    isTelling = true;
    void send(kept).finally(() => {
      isTelling = false;
    });
  }

  async function send(one: Kept): Promise<void> {
    const heldMs = Math.round(monotonic() - one.at);
    try {
      // Only what was kept says for how long.
      await deps.tell(heldMs < minute ? one.json : `{"heldMs":${heldMs},${one.json.slice(1)}`);
      if (kept === one) kept = undefined;
      deps.wasTold({ at: new Date(clock.now()).toISOString(), sign: one.sign });
    } catch (error) {
      if (ending.signal.aborted) return;
      const wait = retries[one.tries];
      const again = isPassing(error) && wait !== undefined;
      const { message } = error as Error;
      log('debug', 'What is seen of this machine could not be told.', { error: message, again });
      if (kept === one) kept = again ? { ...one, tries: one.tries + 1 } : undefined;
      if (!isPassing(error)) notTakenUntil = monotonic() + notTakenFor;
      if (again) tells = clock.after(wait * (0.75 + random() / 2), tell);
    }
  }

  /** What is cheap to see, in a word: whether the disk is full, and whether the clock is off. */
  async function glance(): Promise<string> {
    const { free, all } = await (deps.room ?? (() => roomOf(deps.root)))();
    const full = [5 * 1024 * 1024, all * 0.01, all * 0.05].filter((bytes) => free < bytes).length;
    return `${full} ${Math.trunc(deps.skew() / minute)}`;
  }

  return {
    reached(withoutChannel = false) {
      const before = way;
      way = withoutChannel ? 'heartbeats' : 'channel';
      if (before !== undefined) return;
      const away = lostAt === undefined ? 0 : monotonic() - lostAt;
      lostAt = undefined;
      // What was to be seen of an outage that has passed by itself isn't looked for any more.
      looks?.timer.cancel();
      looks = undefined;
      if (kept) {
        tells?.cancel();
        tells = clock.after(random() * Math.min(tellWithin, away / 10), tell);
      }
      if (lookedAt === undefined) lookIn(within(deps.told() ? startWithin : firstWithin));
      else lookIn(within(afterWithin), kept ? 0 : leastApart);
    },
    lost() {
      if (way === undefined && lostAt !== undefined) return;
      way = undefined;
      lostAt = monotonic();
      lookIn(within(outageWithin), 0);
    },
    noticed() {
      if (lookedAt !== undefined) lookIn(within(noticedWithin));
    },
    beaten() {
      void glance().then(
        (seen) => {
          if (cheap !== '' && seen !== cheap && lookedAt !== undefined) lookIn(within(noticedWithin));
          cheap = seen;
        },
        () => {},
      );
    },
    close() {
      looks?.timer.cancel();
      tells?.cancel();
      ending.abort();
    },
  };
}

async function roomOf(root: string): Promise<{ free: number; all: number }> {
  const { bavail, blocks, bsize } = await statfs(root);
  return { free: bavail * bsize, all: blocks * bsize };
}
