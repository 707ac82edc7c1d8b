/** Asks a person on a terminal, and takes silence for a no. */
import { createInterface } from 'node:readline';
import type { Io } from '../io.ts';

/** Whether there is somebody to ask. */
export function canAsk(io: Pick<Io, 'stdin' | 'stderr'>): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY;
}

/** Asks for a yes. */
export async function confirm(question: string, io: Pick<Io, 'stdin' | 'stderr'>): Promise<boolean> {
  io.stderr.write(`${question} [y/N] `);
  // Not as a terminal: line editing would keep Ctrl-C to itself.
  const reader = createInterface({ input: io.stdin, terminal: false });
  const answer = await new Promise<string>((resolve) => {
    reader.once('line', resolve);
    reader.once('close', () => resolve(''));
  });
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}
