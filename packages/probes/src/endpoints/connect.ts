/** A TCP connection, and through a proxy the connection behind it. */
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { EndpointEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';

type TcpLayer = NonNullable<EndpointEvidence['tcp']>;
type ProxyLayer = NonNullable<EndpointEvidence['proxy']>;

/** The short word for what broke a connection. */
export function wordFor(error: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ETIMEDOUT: 'timeout',
    ECONNREFUSED: 'refused',
    ECONNRESET: 'reset',
    EPIPE: 'reset',
    ENETUNREACH: 'unreachable',
    EHOSTUNREACH: 'unreachable',
    ENETDOWN: 'unreachable',
    EADDRNOTAVAIL: 'unreachable',
    EPERM: 'denied',
    EACCES: 'denied',
  };
  return words[(error as NodeJS.ErrnoException).code ?? ''] ?? 'failed';
}

/** Of several addresses' errors, the one that tells most comes first. */
const telling = ['denied', 'refused', 'reset', 'timeout', 'unreachable', 'failed'];

/** Connects to the first address that answers; all are tried at once. The socket is the caller's to close. */
export async function connectAny(
  addresses: readonly string[],
  port: number,
  patience: number,
): Promise<{ layer: TcpLayer; socket?: Socket }> {
  const sockets: Socket[] = [];
  const began = performance.now();
  const attempts = addresses.slice(0, 6).map(
    (host) =>
      new Promise<{ socket: Socket; host: string; ms: number }>((resolve, reject) => {
        const socket = connect({ host, port });
        sockets.push(socket);
        const timer = setTimeout(() => socket.destroy(late()), patience);
        socket.once('error', (error) => {
          clearTimeout(timer);
          reject(Object.assign(error, { host }));
        });
        socket.once('connect', () => {
          clearTimeout(timer);
          resolve({ socket, host, ms: performance.now() - began });
        });
      }),
  );
  try {
    const first = await Promise.any(attempts);
    for (const socket of sockets) if (socket !== first.socket) socket.destroy();
    first.socket.on('error', () => {});
    return {
      socket: first.socket,
      layer: { ok: true, ms: Math.round(first.ms * 10) / 10, address: first.host, port },
    };
  } catch (error) {
    const errors = ((error as AggregateError).errors ?? [error]) as (NodeJS.ErrnoException & {
      host: string;
    })[];
    const sorted = errors.toSorted(
      (one, other) => telling.indexOf(wordFor(one)) - telling.indexOf(wordFor(other)),
    );
    const worst = sorted[0];
    return {
      layer: {
        ok: false,
        ms: Math.round(performance.now() - began),
        error: wordFor(worst),
        detail: errors
          .map(({ code, host }) => `${host}: ${code ?? 'failed'}`)
          .join(', ')
          .slice(0, 300),
        port,
        ...(worst === undefined ? {} : { address: worst.host }),
      },
    };
  }
}

function late(): Error {
  return Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
}

/** Asks a proxy, over an open connection to it, for one to the target. The socket then leads there. */
export async function connectThrough(
  socket: Socket,
  proxy: URL,
  target: URL,
  patience: number,
): Promise<{ layer: ProxyLayer; socket?: Socket }> {
  const began = performance.now();
  const shown = `${proxy.protocol}//${proxy.host}`;
  const failed = (error: string, detail?: string, status?: number) => ({
    layer: {
      ok: false as const,
      ms: Math.round(performance.now() - began),
      error,
      proxy: shown,
      ...(detail === undefined ? {} : { detail: redactText(detail, 200) }),
      ...(status === undefined ? {} : { status }),
    },
  });
  if (!/^https?:$/.test(proxy.protocol)) {
    socket.destroy();
    return failed('failed', `${proxy.protocol}// is not tried`);
  }
  let way = socket;
  if (proxy.protocol === 'https:') {
    const secure = await secureProxy(socket, proxy, patience);
    if ('error' in secure) {
      socket.destroy();
      return failed(secure.error, secure.detail);
    }
    way = secure.socket;
  }
  const port = target.port || '443';
  const userinfo = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const head =
    `CONNECT ${target.hostname}:${port} HTTP/1.1\r\nHost: ${target.hostname}:${port}\r\n` +
    (proxy.username === ''
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(userinfo).toString('base64')}\r\n`) +
    '\r\n';
  const answer = await readHead(way, head, Math.max(0, patience - (performance.now() - began)));
  if ('error' in answer) {
    way.destroy();
    return failed(answer.error, answer.detail);
  }
  const { status, line } = answer;
  if (status >= 200 && status < 300) {
    return {
      socket: way,
      layer: { ok: true, ms: Math.round(performance.now() - began), proxy: shown, status },
    };
  }
  way.destroy();
  // Web servers don't know the word CONNECT; a proxy that says no says it otherwise.
  const word = [400, 404, 405, 426, 501].includes(status)
    ? 'not-a-proxy'
    : status === 407
      ? 'auth-required'
      : status === 403
        ? 'denied'
        : status >= 500
          ? 'bad-gateway'
          : 'refused-connect';
  return failed(word, line, status);
}

function secureProxy(
  socket: Socket,
  proxy: URL,
  patience: number,
): Promise<{ socket: Socket } | { error: string; detail: string }> {
  return new Promise((resolve) => {
    // Whether its certificate is good doesn't matter for what is asked: whether it is a proxy at all does.
    const secure = tlsConnect({ socket, servername: proxy.hostname, rejectUnauthorized: false });
    const timer = setTimeout(() => secure.destroy(late()), patience);
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      secure.on('error', () => {});
      resolve({ socket: secure });
    });
    secure.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const plain = /WRONG_VERSION|PACKET_LENGTH|HTTP_REQUEST/.test(error.code ?? '');
      resolve({
        error: plain ? 'not-a-proxy' : wordFor(error),
        detail: plain
          ? 'it does not speak TLS: its address begins with https://'
          : (error.code ?? error.message),
      });
    });
  });
}

/** Sends a request and reads the head of its answer; what comes behind it stays in the socket. */
function readHead(
  socket: Socket,
  head: string,
  patience: number,
): Promise<{ status: number; line: string } | { error: string; detail?: string }> {
  return new Promise((resolve) => {
    let text = Buffer.alloc(0);
    const end = (answer: { status: number; line: string } | { error: string; detail?: string }) => {
      clearTimeout(timer);
      socket.off('data', read).off('error', broke).off('close', closed);
      socket.pause();
      resolve(answer);
    };
    const broke = (error: Error) => end({ error: wordFor(error), detail: error.message });
    const closed = () => end({ error: 'reset', detail: 'closed without an answer' });
    const read = (part: Buffer) => {
      text = Buffer.concat([text, part]);
      const line = text.toString('latin1').split('\r\n', 1)[0]!;
      if (text.length >= 5 && !line.startsWith('HTTP/'))
        return end({ error: 'not-a-proxy', detail: line.slice(0, 60) });
      const stop = text.indexOf('\r\n\r\n');
      if (stop < 0) {
        if (text.length > 65_536) end({ error: 'not-a-proxy', detail: 'its answer does not end' });
        return;
      }
      const status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(line)?.[1] ?? 0);
      const rest = text.subarray(stop + 4);
      end({ status, line });
      // Only now that nobody listens: what is put back is told to whoever does.
      if (rest.length > 0) socket.unshift(rest);
    };
    const timer = setTimeout(() => end({ error: 'timeout' }), patience);
    socket.on('data', read).once('error', broke).once('close', closed);
    socket.write(head);
  });
}
