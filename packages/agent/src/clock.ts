/** Time, passed in, so that tests can turn half an hour by in a millisecond. */

/** A timer that was set and can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The time, as the agent knows it. */
export interface Clock {
  /** Milliseconds since the epoch, as the machine believes it. */
  now(): number;
  /** Calls `run` once, `delay` milliseconds from now. */
  after(delay: number, run: () => void): Timer;
  /** Milliseconds on a clock that nobody sets; without it, jumps of the other one aren't noticed. */
  monotonic?(): number;
}

/** The machine's own clock. Its timers keep the process alive: an agent that waits is at work. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delay, run) {
      const timer = setTimeout(run, delay);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** Resolves after `ms` milliseconds. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
