/** Waiting for what takes its time, but not for ever. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `look` answers something; throws after `ms` with what was waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 15_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`after ${ms / 1000} s still waiting: ${what}`);
    await sleep(40);
  }
}
