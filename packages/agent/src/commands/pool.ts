/** How many commands run at once, and how many wait behind them. */

/** A pool of workers with a queue in front of it. */
export interface Pool {
  readonly running: number;
  readonly queued: number;
  /** Whether no further work may be taken. */
  full(): boolean;
  /**
   * Keeps a place for work that is still being prepared. Answers how to give the place back unused, or
   * undefined when there is none.
   */
  reserve(): (() => void) | undefined;
  /** Runs work when its turn comes; work under an id can be taken out again until then. */
  add(id: string, work: () => Promise<void>): void;
  /** Takes waiting work out of the queue; whether it was there. */
  withdraw(id: string): boolean;
  /** Starts nothing more until told to go on. */
  pause(): void;
  resume(): void;
}

/** Opens a pool. `changed` is called when the numbers are others than before. */
export function openPool(workers: number, buffer: number, changed: () => void): Pool {
  const queue = new Map<string, () => Promise<void>>();
  let running = 0;
  let reserved = 0;
  let paused = false;

  const next = () => {
    while (!paused && running < workers) {
      const [first] = queue;
      if (first === undefined) break;
      const [id, work] = first;
      queue.delete(id);
      running += 1;
      void work().finally(() => {
        running -= 1;
        next();
        changed();
      });
    }
  };

  return {
    get running() {
      return running;
    },
    get queued() {
      return queue.size;
    },
    full: () => running + queue.size + reserved >= workers + buffer,
    reserve() {
      if (this.full()) return undefined;
      reserved += 1;
      let held = true;
      return () => {
        if (held) reserved -= 1;
        held = false;
      };
    },
    add(id, work) {
      queue.set(id, work);
      next();
      changed();
    },
    withdraw(id) {
      const was = queue.delete(id);
      if (was) changed();
      return was;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      next();
      changed();
    },
  };
}
