/**
 * The hourly sweep of everything that grows: each folder deletes its own, in small steps, one after another.
 */
import type { Clock, Timer } from '../clock.ts';

/** Something that forgets what is too old; answers how many rows went. */
export interface Sweeper {
  readonly name: string;
  sweep(): Promise<number>;
}

const first = 60_000;
const hour = 3_600_000;

/** Starts sweeping: a minute from now, then every hour. */
export function startSweeps(
  clock: Clock,
  sweepers: readonly Sweeper[],
  log: { debug(fields: object, text: string): void; warn(fields: object, text: string): void },
): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  const round = async () => {
    for (const { name, sweep } of sweepers) {
      if (closed) return;
      try {
        const rows = await sweep();
        if (rows > 0) log.debug({ name, rows }, 'old rows deleted');
      } catch (error) {
        log.warn({ name, err: error }, 'old rows could not be deleted; tried again in an hour');
      }
    }
  };
  const go = () => {
    running = running.then(round);
  };
  const timers: Timer[] = [clock.after(first, go), clock.every(hour, go)];
  return {
    async close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      await running;
    },
  };
}
