/** What `up` needs of the server package, which it loads when it is called and not before. */
import { exitCodes, Failure } from '../failure.ts';
import type { UpOptions } from './options.ts';

/** A server that listens and answers. */
export interface RunningServer {
  /** How this machine reaches it. */
  readonly url: string;
  /** Drains, closes and resolves when everything is on disk. May be called again. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it had to stop for a reason of its own. */
  readonly stopped: Promise<void>;
}

/** Starts the server; resolves when it answers calls. */
export async function startServer(options: UpOptions): Promise<RunningServer> {
  const server = await import('@rollcall/server');
  try {
    return await server.up(options);
  } catch (error) {
    throw explained(error);
  }
}

/** What stops a start is a sentence for its operator, unless it is plainly a bug. */
export function explained(error: unknown, exit: 'no' | 'unable' = 'unable'): unknown {
  const isBug = [TypeError, ReferenceError, RangeError, SyntaxError].some((type) => error instanceof type);
  if (isBug || !(error instanceof Error) || error instanceof Failure) return error;
  return new Failure(error.message, exitCodes[exit], { cause: error });
}
