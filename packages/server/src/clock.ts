/**
 * Time, passed in. Everything in the server that reads a clock or sets a timer does it through this
 * interface, so that tests can turn thirty days by in a millisecond.
 */

/** A timer that was set and can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The time, as the server knows it. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. Whoever sets the machine's clock moves it, back as well. */
  now(): number;
  /** Milliseconds since some moment that stays the same; never goes back. For how long something lasts or is good. */
  monotonic(): number;
  /** Calls `run` once, `delay` milliseconds from now. System timers don't keep the process alive. */
  after(delay: number, run: () => void): Timer;
  /** Calls `run` every `period` milliseconds until cancelled. */
  every(period: number, run: () => void): Timer;
}

/** The machine's own clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delay, run) {
      const timer = setTimeout(run, delay).unref();
      return { cancel: () => clearTimeout(timer) };
    },
    every(period, run) {
      const timer = setInterval(run, period).unref();
      return { cancel: () => clearInterval(timer) };
    },
  };
}

/** A clock that stands still until a test turns it. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms`, firing every timer that falls due, in order. */
  advance(ms: number): void;
  /** Sets the wall clock on by `ms`, or back: no time goes by, and no timer fires. */
  step(ms: number): void;
}

/** Opens a {@link ManualClock} that starts at `start` (milliseconds since the epoch). */
export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let time = start;
  let stepped = 0;
  const pending = new Set<{ at: number; run: () => void; period: number | undefined }>();
  const add = (delay: number, run: () => void, period?: number): Timer => {
    const entry = { at: time + delay, run, period };
    pending.add(entry);
    return { cancel: () => void pending.delete(entry) };
  };
  return {
    now: () => time + stepped,
    monotonic: () => time - start,
    after: (delay, run) => add(delay, run),
    every: (period, run) => add(period, run, period),
    advance(ms) {
      const end = time + ms;
      for (;;) {
        const due = [...pending].filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        time = due.at;
        if (due.period === undefined) pending.delete(due);
        else due.at += due.period;
        due.run();
      }
      time = end;
    },
    step(ms) {
      stepped += ms;
    },
  };
}
