/**
 * Looks whether a port can be had, before anything is made: a start that fails leaves nothing behind.
 */
import { createServer } from 'node:net';
import { listeningError } from '../api/index.ts';
import { StartupError } from './options.ts';

/** Throws a `StartupError` that names who holds the port, when it is taken. */
export async function checkPort(host: string, port: number, flag: string): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new StartupError(`${listeningError(error, host, port).message} Choose another with ${flag}.`));
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}
