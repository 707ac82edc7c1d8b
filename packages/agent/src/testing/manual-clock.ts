/** A clock that a test turns. */
import type { Clock } from '../clock.ts';

/** A {@link Clock} that stands still until it is turned; it begins at the real time, since servers compare. */
export interface ManualClock extends Clock {
  /** Lets time pass, firing timers that fall due, in order. */
  advance(ms: number): void;
  /** Sets the clock, as an administrator or a wake-up does: no timer notices. */
  set(ms: number): void;
}

/** Opens a {@link ManualClock}. */
export function manualClock(): ManualClock {
  let passed = 0;
  let offset = Date.now();
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => offset + passed,
    monotonic: () => passed,
    after(delay, run) {
      const timer = { at: passed + delay, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance(ms) {
      const end = passed + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        passed = due.at;
        timers.delete(due);
        due.run();
      }
      passed = end;
    },
    set(ms) {
      offset += ms;
    },
  };
}
