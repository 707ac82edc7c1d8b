/** Ctrl-C while something is waited for that goes on without us: the first one ends the waiting, not more. */

/** Whether somebody wants to stop watching. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  close(): void;
}

/** The exit code of what a Ctrl-C ended. */
export const interruptedExitCode = 130;

/** Takes over Ctrl-C until it came once. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.once('SIGINT', abort);
  return { signal: controller.signal, close: () => void process.off('SIGINT', abort) };
}
