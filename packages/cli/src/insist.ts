/** For verbs that follow what goes on without them: a server that doesn't answer for a while is asked again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from './client.ts';
import { Failure } from './failure.ts';

/** How to insist. */
export interface InsistOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Called when the server doesn't answer, with the reason, and with undefined when it does again. */
  onTrouble?(reason: string | undefined): void;
}

/** Milliseconds for which a server that doesn't answer is asked again. */
const troubleLimit = 120_000;

/** Tries until there is an answer; undefined when the signal ended it. Throws what won't pass. */
export async function insist<T>(attempt: () => Promise<T>, options: InsistOptions): Promise<T | undefined> {
  const began = performance.now();
  for (let wait = 500; ; wait = Math.min(wait * 2, 5000)) {
    try {
      const value = await attempt();
      if (wait > 500) options.onTrouble?.(undefined);
      return value;
    } catch (error) {
      if (options.signal?.aborted) return undefined;
      if (!mayPass(error) || performance.now() - began > troubleLimit) throw error;
      options.onTrouble?.((error as Error).message);
      await pause(wait, options.signal);
      if (options.signal?.aborted) return undefined;
    }
  }
}

/** Whether asking again may help: nobody answered, or the server says that it is its own fault. */
function mayPass(error: unknown): boolean {
  if (error instanceof ServiceError) return error.status >= 500 || /Throttl|TooManyRequests/.test(error.code);
  return error instanceof Failure;
}

/** Sleeps, or is woken by the signal. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
