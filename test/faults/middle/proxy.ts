/** An HTTP proxy that takes CONNECT: open to all, behind a password, or with hosts that it doesn't reach. */
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dial } from './dial.ts';

/** What it does with those who ask. */
export interface ProxyRules {
  /** `user:password` that is wanted. */
  readonly password?: string;
  /** What CONNECT is answered with, instead of a connection. */
  readonly refuse?: (host: string) => number | undefined;
  /** Where a host is, when not at the server: a port of this machine. */
  readonly leadsTo?: (host: string) => number | undefined;
}

/** A proxy that runs. */
export interface Proxy {
  readonly port: number;
  /** How many connections it has made for others. */
  readonly used: number;
  change(rules: ProxyRules): void;
  close(): Promise<void>;
}

/** How it is made: where the server is, and where those who use it are said to come from. */
export interface ProxyOptions {
  readonly target: number;
  readonly source: string;
  readonly host?: string;
}

/** Starts one. */
export async function openProxy(options: ProxyOptions): Promise<Proxy> {
  let rules: ProxyRules = {};
  let used = 0;
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  };
  const server = createServer((_request, response) => {
    response.writeHead(400, { server: 'squid/6.13' });
    response.end('This is a proxy.');
  });
  server.on('connection', keep);
  server.on('connect', (request, socket: Socket) => {
    const host = request.url ?? '';
    const refuse = (status: number, words: string, more = '') =>
      socket.end(`HTTP/1.1 ${status} ${words}\r\nServer: squid/6.13\r\n${more}Content-Length: 0\r\n\r\n`);
    const given = request.headers['proxy-authorization'];
    const wanted = rules.password && `Basic ${Buffer.from(rules.password).toString('base64')}`;
    if (wanted && given !== wanted)
      return void refuse(
        407,
        'Proxy Authentication Required',
        'Proxy-Authenticate: Basic realm="way out"\r\n',
      );
    const refused = rules.refuse?.(host);
    if (refused !== undefined) return void refuse(refused, refused === 403 ? 'Forbidden' : 'Bad Gateway');
    const port = rules.leadsTo?.(host);
    const onward =
      port === undefined
        ? dial({ port: options.target, source: options.source })
        : connect(port, '127.0.0.1');
    keep(onward);
    onward.once('connect', () => {
      used += 1;
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward);
      onward.pipe(socket);
    });
    onward.once('error', () => refuse(502, 'Bad Gateway'));
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>((done) => server.listen(0, options.host ?? '127.0.0.1', done));
  return {
    port: (server.address() as { port: number }).port,
    get used() {
      return used;
    },
    change(next) {
      rules = next;
      for (const socket of open) socket.destroy();
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of open) socket.destroy();
      }),
  };
}
