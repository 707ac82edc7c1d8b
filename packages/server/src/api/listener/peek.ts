/** Looks at the first bytes of a connection, and puts them back for TLS. */
import type { Socket } from 'node:net';
import { type ClientHello, readClientHello } from './client-hello.ts';
import type { ListenerReason } from './door.ts';
import { readProxyHeader } from './proxy-header.ts';

/** What the first bytes turned out to be. */
export type Opening =
  | { readonly kind: 'more'; readonly begun: boolean }
  | {
      readonly kind: 'hello';
      readonly hello: ClientHello;
      readonly tls: Buffer;
      readonly proxied?: { address: string; port: number };
    }
  | {
      readonly kind: 'refused';
      readonly reason: ListenerReason;
      readonly detail?: string;
      readonly proxied?: { address: string; port: number };
    };

const httpMethod = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) /;

/** Judges the bytes received so far. A PROXY header counts only when its sender is `trusted`. */
export function judgeOpening(bytes: Buffer, trusted: boolean): Opening {
  const header = readProxyHeader(bytes);
  if (header.state === 'none') return judgeTls(bytes);
  if (!trusted) {
    // One byte could as well begin a `PUT`; a TLS record it isn't.
    return bytes.length < 6 ? { kind: 'more', begun: true } : refusedHeader(bytes);
  }
  if (header.state === 'more') return { kind: 'more', begun: true };
  if (header.state === 'bad') return { kind: 'refused', reason: 'proxy-header-bad', detail: header.why };
  const proxied = header.state === 'read' ? { address: header.address, port: header.port } : undefined;
  const opening = judgeTls(bytes.subarray(header.length));
  return proxied && opening.kind !== 'more' ? { ...opening, proxied } : opening;
}

function refusedHeader(bytes: Buffer): Opening {
  return httpMethod.test(bytes.toString('latin1', 0, 8))
    ? { kind: 'refused', reason: 'plain-http' }
    : { kind: 'refused', reason: 'proxy-header-untrusted' };
}

function judgeTls(bytes: Buffer): Opening {
  if (bytes.length === 0) return { kind: 'more', begun: false };
  const reading = readClientHello(bytes);
  if (reading.state === 'more') return { kind: 'more', begun: true };
  if (reading.state === 'read') return { kind: 'hello', hello: reading.hello, tls: bytes };
  const start = bytes.toString('latin1', 0, 8);
  if (httpMethod.test(start)) return { kind: 'refused', reason: 'plain-http' };
  if (bytes.length < 8 && /^[A-Z]+$/.test(start)) return { kind: 'more', begun: true };
  return { kind: 'refused', reason: 'not-tls', detail: reading.why };
}

/** Called once: with the opening, or with how the connection ended before there was one. */
export type Peeked = (
  opening: Exclude<Opening, { kind: 'more' }> | { kind: 'ended'; begun: boolean },
) => void;

/**
 * Reads until the opening is clear. Afterwards the socket is as if only the TLS part had arrived, and nothing of
 * it had been read. Returns what stops the reading.
 */
export function peek(socket: Socket, trusted: boolean, peeked: Peeked): () => boolean {
  let received: Buffer | undefined;
  let begun = false;
  const stop = () => {
    socket.removeListener('readable', read);
    socket.removeListener('end', ended);
    socket.removeListener('close', ended);
    received = undefined; // the socket outlives this by days
    return begun;
  };
  const ended = () => {
    stop();
    peeked({ kind: 'ended', begun });
  };
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = received ? Buffer.concat([received, chunk]) : chunk;
    const opening = judgeOpening(received, trusted);
    if (opening.kind === 'more') {
      begun = opening.begun;
      return;
    }
    stop();
    if (opening.kind === 'hello') socket.unshift(opening.tls);
    peeked(opening);
  };
  socket.on('readable', read);
  socket.on('end', ended);
  socket.on('close', ended);
  return stop;
}
