/**
 * The real time, with what a test has turned it on by. Unlike a manual clock it goes by itself as well, so that
 * a server under it lives as usual.
 */
import type { Clock, Timer } from '../../packages/server/src/clock.ts';

/** A clock that can be turned on. */
export interface TurnedClock extends Clock {
  /** Turns it on by `ms`; every timer that falls due meanwhile fires once, in order. */
  turn(ms: number): void;
}

interface Pending {
  at: number;
  readonly period: number | undefined;
  readonly run: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** Opens one that is `turned` milliseconds ahead. */
export function openTurnedClock(turned: number): TurnedClock {
  const pending = new Set<Pending>();
  const monotonic = () => performance.now() + turned;
  const fire = (one: Pending) => {
    clearTimeout(one.timer);
    if (one.period === undefined) pending.delete(one);
    else {
      one.at = Math.max(one.at + one.period, monotonic() + 1);
      arm(one);
    }
    one.run();
  };
  const arm = (one: Pending) => {
    clearTimeout(one.timer);
    const left = Math.max(0, one.at - monotonic());
    one.timer = setTimeout(() => fire(one), Math.min(left, 0x7fffffff)).unref();
  };
  const add = (delay: number, run: () => void, period?: number): Timer => {
    const one: Pending = { at: monotonic() + delay, period, run, timer: undefined };
    pending.add(one);
    arm(one);
    return {
      cancel() {
        clearTimeout(one.timer);
        pending.delete(one);
      },
    };
  };
  return {
    now: () => Date.now() + turned,
    monotonic,
    after: (delay, run) => add(delay, run),
    every: (period, run) => add(period, run, period),
    turn(ms) {
      turned += ms;
      const now = monotonic();
      const due = [...pending].filter((one) => one.at <= now).sort((a, b) => a.at - b.at);
      for (const one of pending) if (one.at > now) arm(one);
      // One may have cancelled another.
      for (const one of due) if (pending.has(one) && one.at <= now) fire(one);
    },
  };
}
