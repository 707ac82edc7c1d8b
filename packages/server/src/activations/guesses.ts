/**
 * Slows down whoever guesses codes: wrong codes are counted by activation, and past a few a minute they are
 * refused as too many. Right codes are never slowed, so that the 300 machines behind one address get in
 * while somebody is guessing.
 */

const mostWatched = 10_000;

/** Counts wrong codes by activation. */
export class Guesses {
  readonly #perMinute: () => number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** `perMinute` is asked at each guess: so many at once, and so many more in a minute. */
  constructor(perMinute: () => number) {
    this.#perMinute = perMinute;
  }

  /** A wrong code was given. Answers false when there have been too many. */
  take(activationId: string, now: number): boolean {
    const burst = this.#perMinute();
    const refill = 60_000 / burst;
    const bucket = this.#buckets.get(activationId) ?? { left: burst, at: now };
    const gained = Math.floor((now - bucket.at) / refill);
    const left = Math.min(burst, bucket.left + gained);
    const at = left === burst ? now : bucket.at + gained * refill;
    this.#buckets.delete(activationId);
    this.#buckets.set(activationId, { left: Math.max(0, left - 1), at });
    if (this.#buckets.size > mostWatched) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return left > 0;
  }
}
