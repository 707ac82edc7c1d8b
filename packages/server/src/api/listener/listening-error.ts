/** Says why a port can't be had, and by whom it is taken. */
import { findHolder } from './port-holder.ts';

/** A port that can't be listened on. The message is a sentence for a person. */
export class ListenError extends Error {
  readonly problem: 'port-taken' | 'port-forbidden' | 'address-unknown' | 'failed';

  /** The process that has the port, when it could be seen. */
  readonly pid: number | undefined;

  constructor(problem: ListenError['problem'], message: string, pid?: number) {
    super(message);
    this.name = 'ListenError';
    this.problem = problem;
    this.pid = pid;
  }
}

/** Turns the system's error into a {@link ListenError}. */
export function listeningError(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE': {
      const holder = findHolder(port);
      const by = holder ? `by ${holder.command} (process ${holder.pid})` : 'by another program';
      return new ListenError('port-taken', `Port ${port} is taken ${by}.`, holder?.pid);
    }
    case 'EACCES':
      return new ListenError(
        'port-forbidden',
        `Listening on ${where} isn't allowed: ports below 1024 need root, or CAP_NET_BIND_SERVICE.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError(
        'address-unknown',
        `${host} isn't an address of this machine, so ${where} can't be listened on.`,
      );
    default:
      return new ListenError('failed', `Listening on ${where} failed: ${error.message}.`);
  }
}
