/** Those who answer in the server's place: a portal, another service, somebody with another certificate. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureVersion } from 'node:tls';
import type { Issued } from './authority.ts';

/** A server that listens. */
export interface Impostor {
  readonly port: number;
  readonly address: string;
  close(): Promise<void>;
}

/** An address and a port, 0 for any. */
export type Place = readonly [address: string, port: number];

/** Answers a request. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** Something that speaks HTTP without TLS. */
export function openPlain(answering: Answering): Promise<Impostor> {
  return listen(createHttpServer(answering));
}

/** How TLS is spoken. */
export interface SecureOptions {
  readonly shown: Issued;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  readonly ciphers?: string;
  /** Only the certificate itself is shown, without the one above it. */
  readonly alone?: boolean;
}

/** Something that speaks HTTPS, with the certificate that it is given. */
export function openSecure(
  { shown, alone = false, minVersion, maxVersion, ciphers }: SecureOptions,
  answering: Answering,
  upgrading?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
  at?: Place,
): Promise<Impostor> {
  const server = createHttpsServer(
    {
      cert: alone ? shown.cert : shown.chain,
      key: shown.key,
      ...(minVersion && { minVersion }),
      ...(maxVersion && { maxVersion }),
      ...(ciphers && { ciphers }),
    },
    answering,
  );
  if (upgrading) server.on('upgrade', upgrading);
  server.on('tlsClientError', () => {});
  return listen(server, at);
}

async function listen(
  server: Server & { closeAllConnections(): void },
  [address, port]: Place = ['127.0.0.1', 0],
): Promise<Impostor> {
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(port, address, done));
  return {
    address,
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** What a hotel's network says to whoever hasn't paid. */
export const portal: Answering = (_request, response) => {
  response.writeHead(302, { location: 'http://portal.hotel.example/login?from=a', server: 'nginx' });
  response.end('<html><body>Please log in.</body></html>');
};

/** Another service of the house. */
export const wiki: Answering = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html', server: 'Apache/2.4.62' });
  response.end('<html><head><title>Wiki</title></head><body>Welcome to the wiki.</body></html>');
};
