/**
 * The front of the one port: TCP, an optional PROXY header, the ClientHello, TLS. Whoever fails before a request
 * leaves a knock; whoever doesn't is handed to the HTTPS server with a name and an address.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../clock.ts';
import { type ConnectionCounts, FrontDoor, type FrontDoorOptions } from './front-door.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { listeningError } from './listening-error.ts';

/** What {@link openListener} needs. */
export interface ListenerOptions extends FrontDoorOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Certificate and key to serve, asked for at the start and at each {@link Listener.updateCertificate}. */
  tls(): Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>;
  readonly limits?: Partial<Limits>;
}

/** The open port. */
export interface Listener {
  /** Emits `request` and `upgrade`; everything about sockets and time-outs is set already. */
  readonly server: Server;
  readonly address: AddressInfo;
  readonly limits: Limits;
  counts(): ConnectionCounts;
  /**
   * Says that a request of this connection was proved to be somebody's. Those on which none was are closed while
   * idle when there are too many connections.
   */
  vouchFor(socket: Socket): void;
  /** True past half of the connections allowed, and while closing: then answers should close theirs. */
  crowded(): boolean;
  /** Serves what `tls()` gives now. Connections that are open stay. */
  updateCertificate(): void;
  /** Stops accepting, closes idle connections, and after `grace` milliseconds (default 0) all that are left. */
  close(grace?: number): Promise<void>;
}

const day = 86_400_000;

/** Opens the port. Rejects with a {@link ListenError} when it can't be had. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const limits: Limits = { ...defaultLimits(), ...options.limits };
  let ticketKeys = randomBytes(48);
  const secure = () => ({
    ...options.tls(),
    minVersion: 'TLSv1.2' as const,
    honorCipherOrder: true,
    ticketKeys,
    sessionTimeout: day / 1000,
  });
  const server = createServer({
    ...secure(),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.handshakeTimeout * 2, // ours, by the clock, comes first
    noDelay: true,
    // Any other upgrade is only offered: who offers one wants an answer, as it came, all the same.
    shouldUpgradeCallback(request) {
      const upgrades = request.headers.upgrade?.toLowerCase() === 'websocket';
      if (upgrades) door.hold(request.socket);
      return upgrades;
    },
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    maxHeaderSize: limits.maxHeaderSize,
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    connectionsCheckingInterval: limits.checkEvery,
  });
  server.maxHeadersCount = limits.maxHeadersCount;
  server.maxConnections = limits.maxConnections;
  server.on('clientError', answerBrokenRequest);
  const date = datesBy(options.clock);
  server.prependListener('request', (_, response) => response.setHeader('Date', date()));

  const door = new FrontDoor(server, options, limits);
  let closing = false;
  await listen(server, options);
  const rounds = options.clock.every(1_000, () => door.makeRoom());
  const rotation = options.clock.every(day, () => {
    ticketKeys = randomBytes(48);
    server.setTicketKeys(ticketKeys);
  });
  return {
    server,
    address: server.address() as AddressInfo,
    limits,
    counts: () => door.counts(),
    // Node closes what is idle when it stops listening, but keeps alive what is answered after that.
    vouchFor: (socket) => door.vouchFor(socket),
    crowded: () => closing || door.counts().open > limits.maxConnections / 2,
    updateCertificate: () => server.setSecureContext(secure()),
    async close(grace = 0) {
      rotation.cancel();
      rounds.cancel();
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      door.shut();
      const timer = grace > 0 ? options.clock.after(grace, () => door.dismissAll()) : undefined;
      if (!timer) door.dismissAll();
      await closed;
      timer?.cancel();
    },
  };
}

/** The header that tells the time: by our clock, as everything else that is compared with it. */
function datesBy(clock: Clock): () => string {
  let known = -1;
  let text = '';
  return () => {
    const seconds = Math.floor(clock.now() / 1000);
    if (seconds !== known) {
      known = seconds;
      text = new Date(seconds * 1000).toUTCString();
    }
    return text;
  };
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listeningError(error, host, port));
    server.once('error', failed);
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

/** Node's own answer to a broken request is lost under TLS, since the socket is destroyed before it is sent. */
function answerBrokenRequest(error: NodeJS.ErrnoException, stream: Duplex): void {
  const socket = stream as Socket & { _httpMessage?: ServerResponse };
  if (!socket.writable || error.code === 'ECONNRESET' || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  socket.end(
    `HTTP/1.1 ${statusLines[error.code ?? ''] ?? '400 Bad Request'}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
  socket.resume();
  socket.setTimeout(2_000, () => socket.destroy());
}

const statusLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
