/**
 * Looks whether a port can be had, before anything is made: a start that fails leaves nothing behind.
 */
import { createServer } from 'node:net';
import { listeningError } from '../api/index.ts';
import { holderOfFolder } from '../store/index.ts';
import { StartupError } from './options.ts';

/**
 * Throws a `StartupError` that names who holds the port, when it is taken: above all when it is the server that
 * already works on `folder`, since then another port would not help.
 */
export async function checkPort(host: string, port: number, flag: string, folder: string): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const { message, pid } = listeningError(error, host, port);
      reject(
        new StartupError(
          pid !== undefined && pid === holderOfFolder(folder)
            ? `Your server runs already, on port ${port} and with ${folder}. Stop it first: Ctrl-C where it runs, or: kill ${pid}`
            : `${message} Choose another with ${flag}.`,
        ),
      );
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}
