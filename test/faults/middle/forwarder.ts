/**
 * A TCP way to the server that can be broken as ways break: refused, reset, swallowed, narrow, slow. What it
 * does may be changed while it is open.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dial } from './dial.ts';

/** What becomes of a connection. */
export type Way =
  | { readonly kind: 'pass' }
  /** Nobody listens. */
  | { readonly kind: 'refuse' }
  /** Accepted, and reset. */
  | { readonly kind: 'reset' }
  /** Accepted, and never answered. */
  | { readonly kind: 'swallow' }
  /** What is longer than `most` bytes gets lost, as on a path that takes no large packets. */
  | { readonly kind: 'narrow'; readonly most: number }
  /** Everything takes `ms` longer, there and back. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** What is open is forgotten: nothing passes on it any more, and nobody is told. New connections pass. */
  | { readonly kind: 'forgets' }
  /** It leads to another port of this machine, which is not told who comes. */
  | { readonly kind: 'astray'; readonly port: number };

/** A way that is open. */
export interface Forwarder {
  readonly port: number;
  /** Changes what becomes of connections; those that are open are cut, unless they may stay. */
  change(way: Way, options?: { readonly keep?: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** How it is made. */
export interface ForwarderOptions {
  /** The port of the server. */
  readonly target: number;
  readonly host?: string;
  readonly port?: number;
  /** Where whoever uses it is said to come from; where they do come from unless given. */
  readonly source?: string;
}

/** Opens a way. */
export async function openForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { target, host = '127.0.0.1' } = options;
  const open = new Set<Socket>();
  let way: Way = { kind: 'pass' };
  let server: Server | undefined;
  let port = options.port ?? 0;

  const keep = (socket: Socket, other: () => Socket | undefined) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      // What is still on its way arrives before the end does.
      if (way.kind === 'slow') setTimeout(() => other()?.destroy(), way.ms + 5);
      else other()?.destroy();
    });
  };
  const serve = (socket: Socket) => {
    let onward: Socket | undefined;
    keep(socket, () => onward);
    if (way.kind === 'reset') return void socket.resetAndDestroy();
    if (way.kind === 'swallow') return void socket.resume();
    const source = options.source ?? socket.remoteAddress ?? '127.0.0.1';
    onward = way.kind === 'astray' ? connect(way.port, '127.0.0.1') : dial({ port: target, source });
    keep(onward, () => socket);
    carry(socket, onward, way);
    carry(onward, socket, way);
  };
  const listen = async () => {
    const made = createServer({ noDelay: true }, serve);
    await new Promise<void>((done, failed) => made.once('error', failed).listen(port, host, done));
    port = (made.address() as { port: number }).port;
    server = made;
  };
  const shut = async () => {
    const closing = server;
    server = undefined;
    for (const socket of open) socket.destroy();
    if (closing) await new Promise((done) => closing.close(done));
  };
  await listen();
  return {
    port,
    async change(next, { keep: stay = false } = {}) {
      way = next;
      if (way.kind === 'refuse') return shut();
      if (!server) await listen();
      if (way.kind === 'forgets') {
        for (const socket of open) forget(socket);
        way = { kind: 'pass' };
        return;
      }
      if (!stay) for (const socket of open) socket.destroy();
    },
    close: shut,
  };
}

/** Whatever comes is taken, and nothing is made of it; an end is not passed on either. */
function forget(socket: Socket): void {
  socket.unpipe();
  socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('end');
  socket.resume();
}

function carry(from: Socket, to: Socket, way: Way): void {
  if (way.kind === 'slow') {
    const write = (part: Buffer) => void (to.writable && to.write(part));
    from.on('data', (part: Buffer) => void setTimeout(write, way.ms, part));
  } else if (way.kind === 'narrow') {
    from.on('data', (part: Buffer) => void (part.length <= way.most && to.write(part)));
  } else {
    from.pipe(to);
  }
}
