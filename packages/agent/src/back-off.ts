/** How long to wait after the nth failure in a row: from one second, doubling, never more than a minute. */

/** A back-off. */
export interface BackOff {
  /** Counts a failure; milliseconds to wait before the next attempt. */
  failed(hints?: { retryAfter?: number | undefined; hopeless?: boolean }): number;
  /** It worked, or something changed: begin again with the shortest wait. */
  reset(): void;
}

const first = 1000;
/** The longest wait we choose ourselves. */
export const longestWait = 60_000;
/** The longest wait a server may ask for: one that asks for more is broken, and would lose its nodes. */
const longestAsked = 15 * 60_000;

/** Opens a back-off. `random` gives numbers from 0 up to 1. */
export function openBackOff(random: () => number): BackOff {
  let failures = 0;
  return {
    failed({ retryAfter = 0, hopeless = false } = {}) {
      const step = hopeless ? longestWait : Math.min(longestWait, first * 2 ** Math.min(failures, 16));
      failures += 1;
      // Between half and all of the step, so that nodes that failed together don't come back together.
      const own = step * (0.5 + random() / 2);
      return Math.round(Math.max(own, Math.min(retryAfter, longestAsked)));
    },
    reset() {
      failures = 0;
    },
  };
}
