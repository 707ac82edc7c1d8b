/**
 * A reverse proxy: ends TLS with a certificate of its own and asks the server anew, as load balancers and
 * inspecting firewalls do. It may take the wish for a websocket out, refuse it, or lose the server behind it.
 */
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect as connectTls } from 'node:tls';
import type { Issued } from './authority.ts';
import { dial } from './dial.ts';
import { type Impostor, openSecure } from './impostors.ts';

/** What becomes of websockets: they pass, they arrive as plain requests, they are answered with 403. */
export type Websockets = 'pass' | 'strip' | 'deny';

/** How it is made. */
export interface ReverseOptions {
  readonly shown: Issued;
  /** The port of the server, and the CA (PEM) by which it is trusted. */
  readonly target: number;
  readonly ca: string;
  readonly source: string;
  readonly websockets?: Websockets;
  /** The server behind it is gone: every request is answered with this. */
  readonly status?: number;
  /** Requests with this target are answered by it, instead of the server. */
  readonly answers?: (
    request: IncomingMessage,
  ) => { readonly status: number; readonly type?: string; readonly body: string } | undefined;
  readonly alone?: boolean;
}

/** Opens one. */
export function openReverse(options: ReverseOptions): Promise<Impostor> {
  const { shown, alone = false, websockets = 'pass' } = options;
  const dialServer = () =>
    connectTls({
      socket: dial({ port: options.target, source: options.source }),
      ca: options.ca,
      servername: 'localhost',
    });

  const answer = (incoming: IncomingMessage, response: ServerResponse) => {
    if (options.status !== undefined) {
      response.writeHead(options.status, { 'content-type': 'text/html', server: 'nginx/1.26.2' });
      response.end(`<html><body><h1>${options.status}</h1></body></html>`);
      return;
    }
    const own = options.answers?.(incoming);
    if (own) {
      response.writeHead(own.status, own.type === undefined ? {} : { 'content-type': own.type });
      response.end(own.body);
      return;
    }
    const headers = { ...incoming.headers };
    for (const name of ['connection', 'upgrade', 'sec-websocket-key', 'sec-websocket-version'])
      delete headers[name];
    const onward = request({
      createConnection: dialServer,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, connection: 'close' },
    });
    onward.on('response', (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };

  return openSecure({ shown, alone }, answer, (incoming, socket, head) => {
    if (websockets === 'deny' || options.status !== undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\nServer: gate\r\nContent-Length: 7\r\n\r\nBlocked');
      return;
    }
    const onward = dialServer();
    const kept =
      websockets === 'strip'
        ? (name: string) => !/^(upgrade|connection|sec-websocket)/i.test(name)
        : () => true;
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2)
      if (kept(incoming.rawHeaders[at]!))
        lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
    if (websockets === 'strip') lines.push('Connection: close');
    onward.write(`${lines.join('\r\n')}\r\n\r\n`);
    onward.write(head);
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy());
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    onward.pipe(socket);
    socket.pipe(onward);
  });
}
