/**
 * Group commit: whoever waits shares one transaction, each work in a savepoint of its own. Knows no
 * engine; a `Lane` is the one connection on which groups are committed.
 *
 * Back-pressure: a caller awaits what it handed in, so it is slowed by the disk by itself. Callers that
 * don't (one promise for each packet, say) are refused with `StoreBusy` once `waiting` works wait.
 */
import type { DatabaseConnection } from 'kysely';
import { systemClock } from '../clock.ts';
import type { Gathered, WriteTx } from './contract.ts';
import { StoreBusy, StoreClosed, StoreMisused } from './errors.ts';
import { type Language, openWriteScope } from './scope.ts';
import { refuseWithin, runUnit } from './unit.ts';

/** A connection that commits groups. Control statements may be sent late, together with the next one. */
export interface Lane {
  readonly connection: DatabaseConnection;
  begin(): Promise<void>;
  savepoint(): Promise<void>;
  release(): Promise<void>;
  /** Rolls back to the last savepoint and forgets it. */
  undo(): Promise<void>;
  commit(): Promise<void>;
  /** Ends the transaction, whatever state it is in; never throws. */
  rollback(): Promise<void>;
  /** What an error means for the whole transaction: nothing, run it again, or it is gone. */
  judge(error: unknown): 'harmless' | 'again' | 'gone';
  /** The error that callers see when the transaction is gone. */
  explain(error: unknown, during: 'work' | 'commit'): Error;
}

/** What a group did, for metrics and for tests that stop the server at a commit. */
export interface GroupReport {
  readonly moment: 'before-commit' | 'after-commit';
  readonly works: number;
  readonly items: number;
}

/** How much one group takes, and how much may wait. */
export interface GroupLimits {
  /** Works in one commit. */
  readonly works: number;
  /** Items of one gathered path in one statement. */
  readonly items: number;
  /** Works and items that may wait before callers are refused. */
  readonly waiting: number;
}

/** The default {@link GroupLimits}: large enough that an fsync is shared, small enough for the event loop. */
export const groupLimits: GroupLimits = { works: 256, items: 2000, waiting: 100_000 };

export interface GroupOptions {
  readonly language: Language;
  readonly lane: Lane;
  readonly limits?: GroupLimits;
  /** Told when an `afterCommit` callback throws: a bug that must not harm others. */
  report(error: unknown): void;
  observe?(report: GroupReport): void;
}

/** How often a group is run again when the engine asks for it. */
const attempts = 8;

/** The result of one caller's work or item, settled when the group is on disk. */
interface Waiter {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  outcome: { value: unknown } | { error: unknown } | undefined;
  callbacks: (() => void)[];
}

type Work = { readonly work: (tx: WriteTx) => Promise<unknown>; readonly waiter: Waiter };
type Batch = {
  readonly path: Gathered<unknown, unknown>;
  readonly items: unknown[];
  readonly waiters: Waiter[];
};

/** The queue before a lane, and the loop that empties it. */
export class GroupCommit {
  readonly #options: GroupOptions;
  readonly #limits: GroupLimits;
  #queue: (Work | Batch)[] = [];
  /** The batch of each path that still takes items. */
  readonly #filling = new Map<Gathered<unknown, unknown>, Batch>();
  #waiting = 0;
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#limits = options.limits ?? groupLimits;
  }

  write<R>(work: (tx: WriteTx) => Promise<R>): Promise<R> {
    return this.#wait((waiter) => void this.#queue.push({ work, waiter })) as Promise<R>;
  }

  gather<Item, Result>(path: Gathered<Item, Result>, item: Item): Promise<Result> {
    const key = path as unknown as Gathered<unknown, unknown>;
    return this.#wait((waiter) => {
      let batch = this.#filling.get(key);
      if (!batch || batch.items.length >= this.#limits.items) {
        batch = { path: key, items: [], waiters: [] };
        this.#filling.set(key, batch);
        this.#queue.push(batch);
      }
      batch.items.push(item);
      batch.waiters.push(waiter);
    }) as Promise<Result>;
  }

  /** Takes no more, and resolves when everything that waited is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#scheduled) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #wait(enqueue: (waiter: Waiter) => void): Promise<unknown> {
    refuseWithin('write');
    if (this.#closed) throw new StoreClosed();
    if (this.#waiting >= this.#limits.waiting) {
      throw new StoreBusy(
        `The database is behind: ${this.#waiting} changes wait to be written. Try again in a moment.`,
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting += 1;
      enqueue({ resolve, reject, outcome: undefined, callbacks: [] });
      if (!this.#scheduled) {
        this.#scheduled = true;
        // After the sockets of this turn were read, so that whoever came with them shares the commit.
        setImmediate(() => void this.#drain());
      }
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, this.#limits.works);
      for (const entry of group) {
        if ('path' in entry && this.#filling.get(entry.path) === entry) this.#filling.delete(entry.path);
      }
      await this.#commit(group);
      // Let sockets and timers have their turn, and those who were answered come back with more.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#scheduled = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Runs one group to its end: everybody in it is settled when this returns. */
  async #commit(group: readonly (Work | Batch)[]): Promise<void> {
    const { lane, observe } = this.#options;
    const waiters = group.flatMap((entry) => ('path' in entry ? entry.waiters : [entry.waiter]));
    const report = { works: group.length, items: waiters.length };
    for (let attempt = 1; ; attempt += 1) {
      let during: 'work' | 'commit' = 'work';
      try {
        await lane.begin();
        for (const entry of group) await this.#run(entry);
        during = 'commit';
        observe?.({ moment: 'before-commit', ...report });
        await lane.commit();
        break;
      } catch (error) {
        await lane.rollback();
        for (const waiter of waiters) clear(waiter);
        if (lane.judge(error) === 'again' && attempt < attempts) {
          await this.#pause(attempt);
          continue;
        }
        const explained = lane.explain(error, during);
        for (const waiter of waiters) waiter.outcome = { error: explained };
        break;
      }
    }
    this.#waiting -= waiters.length;
    observe?.({ moment: 'after-commit', ...report });
    for (const waiter of waiters) this.#settle(waiter);
  }

  async #run(entry: Work | Batch): Promise<void> {
    if (!('path' in entry)) {
      const done = await this.#attempt(entry.work, [entry.waiter]);
      entry.waiter.outcome = 'error' in done ? done : { value: done.value };
      return;
    }
    const { path, items, waiters } = entry;
    if (await this.#writeTogether(path, items, waiters)) return;
    for (const [index, item] of items.entries()) {
      await this.#writeTogether(path, [item], [waiters[index]!]);
    }
  }

  /** Writes items as one; answers false when they failed and may be tried one by one. */
  async #writeTogether(
    path: Gathered<unknown, unknown>,
    items: readonly unknown[],
    waiters: readonly Waiter[],
  ): Promise<boolean> {
    const done = await this.#attempt(async (tx) => {
      const results = await path.write(tx, items);
      if (results.length !== items.length) {
        throw new StoreMisused(`${path.name} answered ${results.length} results for ${items.length} items.`);
      }
      return results;
    }, waiters);
    if ('error' in done) {
      if (items.length > 1) return false;
      waiters[0]!.outcome = done;
      return true;
    }
    for (const [index, waiter] of waiters.entries()) waiter.outcome = { value: done.value[index] };
    return true;
  }

  /** Runs a work in its own savepoint. Throws only when the whole transaction is spoilt. */
  async #attempt<R>(
    work: (tx: WriteTx) => Promise<R>,
    waiters: readonly Waiter[],
  ): Promise<{ value: R } | { error: unknown }> {
    const { lane, language } = this.#options;
    const callbacks: (() => void)[] = [];
    await lane.savepoint();
    const scope = openWriteScope(language, lane.connection, callbacks);
    let error: unknown;
    try {
      const value = await runUnit('write', work, scope.tx);
      if (!scope.failure) {
        scope.end();
        await lane.release();
        waiters[0]!.callbacks = callbacks;
        return { value };
      }
      error = scope.failure.error;
    } catch (thrown) {
      error = thrown;
    }
    scope.end();
    // A statement may have spoilt the transaction although the work went on to throw something else.
    for (const suspect of [scope.failure?.error, error]) {
      if (suspect !== undefined && lane.judge(suspect) !== 'harmless') throw suspect;
    }
    await lane.undo();
    return { error };
  }

  #settle(waiter: Waiter): void {
    const { outcome } = waiter;
    if (!outcome) throw new StoreMisused('A work was left without an outcome.');
    if ('error' in outcome) {
      waiter.reject(outcome.error);
      return;
    }
    for (const callback of waiter.callbacks) this.#call(callback);
    waiter.resolve(outcome.value);
  }

  #call(callback: () => void): void {
    const { report } = this.#options;
    try {
      const returned: unknown = callback();
      if (returned instanceof Promise) returned.catch(report);
    } catch (error) {
      report(error);
    }
  }

  #pause(attempt: number): Promise<void> {
    const longest = 5 * 2 ** attempt;
    return new Promise((resolve) => {
      // Real time: another server is being waited for, not the clock of this one.
      systemClock().after(longest / 2 + (Math.random() * longest) / 2, resolve);
    });
  }
}

function clear(waiter: Waiter): void {
  waiter.outcome = undefined;
  waiter.callbacks = [];
}
