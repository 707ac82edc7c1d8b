/**
 * Rate limits at the door: a token bucket for each principal, and one for each source that hasn't said who it
 * is. Buckets live in memory, bounded: the one that was touched longest ago makes room.
 */
import type { Clock } from '../clock.ts';

/** How much one caller may do. */
export interface Rate {
  /** Requests that may come at once. */
  readonly burst: number;
  /** Requests a second after that. */
  readonly perSecond: number;
}

/** A set of buckets that share one rate. */
export interface Throttle {
  /** Takes one request from the caller's bucket; false when it is empty. */
  take(key: string): boolean;
  /** Whether {@link take} would be true, without taking. */
  has(key: string): boolean;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Opens a throttle; it remembers at most `capacity` callers. */
export function openThrottle(clock: Clock, rate: Rate, capacity = 50_000): Throttle {
  const buckets = new Map<string, Bucket>();
  const refilled = (bucket: Bucket, now: number) =>
    Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond);
  return {
    has(key) {
      const bucket = buckets.get(key);
      return bucket === undefined || refilled(bucket, clock.monotonic()) >= 1;
    },
    take(key) {
      const now = clock.monotonic();
      let bucket = buckets.get(key);
      if (bucket) {
        bucket.tokens = refilled(bucket, now);
        bucket.at = now;
        // Re-inserting keeps the map in order of use, but only matters when it is close to full.
        if (buckets.size > capacity / 2) {
          buckets.delete(key);
          buckets.set(key, bucket);
        }
      } else {
        if (buckets.size >= capacity) {
          for (const oldest of buckets.keys()) {
            buckets.delete(oldest);
            break;
          }
        }
        bucket = { tokens: rate.burst, at: now };
        buckets.set(key, bucket);
      }
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
