/**
 * The front of the one port: TCP, an optional PROXY header, the ClientHello, TLS. Whoever fails before a request
 * leaves a knock; whoever doesn't is handed to the HTTPS server with a name and an address.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../clock.ts';
import {
  addressBlocks,
  introduce,
  type ListenerKnock,
  type ListenerReason,
  plainAddress,
  type Visitor,
} from './door.ts';
import { familyOf, versionNames } from './families.ts';
import { handshakeFault } from './faults.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { listeningError } from './listening-error.ts';
import { peek } from './peek.ts';

/** What {@link openListener} needs. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly clock: Clock;
  /** Certificate and key to serve, asked for at the start and at each {@link Listener.updateCertificate}. */
  tls(): Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>;
  /** Told of every connection that ended before its first request. Called synchronously: it must be quick. */
  onKnock(knock: ListenerKnock): void;
  /** Told of every completed handshake. */
  onConnection?(socket: TLSSocket, visitor: Visitor): void;
  /** Load balancers (CIDR) whose PROXY header is believed. */
  readonly proxyProtocol?: readonly string[];
  readonly limits?: Partial<Limits>;
}

/** Connections since the start, for metrics. */
export interface ConnectionCounts {
  /** Open now, in whatever state. */
  readonly open: number;
  /** Of these, how many haven't completed their handshake. */
  readonly handshaking: number;
  readonly accepted: number;
  /** Completed handshakes, and how many of them resumed an earlier session. */
  readonly secured: number;
  readonly resumed: number;
  /** Closed as they came, since there were too many. */
  readonly turnedAway: number;
}

/** The open port. */
export interface Listener {
  /** Emits `request` and `upgrade`; everything about sockets and time-outs is set already. */
  readonly server: Server;
  readonly address: AddressInfo;
  readonly limits: Limits;
  counts(): ConnectionCounts;
  /** True past half of the connections allowed: then answers should close theirs. */
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

  const port = new FrontDoor(server, options, limits);
  await listen(server, options);
  const rotation = options.clock.every(day, () => {
    ticketKeys = randomBytes(48);
    server.setTicketKeys(ticketKeys);
  });
  return {
    server,
    address: server.address() as AddressInfo,
    limits,
    counts: () => port.counts(),
    crowded: () => port.counts().open > limits.maxConnections / 2,
    updateCertificate: () => server.setSecureContext(secure()),
    async close(grace = 0) {
      rotation.cancel();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      port.dismissWaiting();
      const timer = grace > 0 ? options.clock.after(grace, () => port.dismissAll()) : undefined;
      if (!timer) port.dismissAll();
      await closed;
      timer?.cancel();
    },
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

/** A connection between accept and the end of its handshake, or (secured) to its first request. */
interface Guest {
  readonly socket: Socket;
  visitor: Visitor;
  versions: readonly number[];
  timer: Timer | undefined;
  /** A knock is left once. */
  noted: boolean;
}

/** Receives sockets before TLS does. */
class FrontDoor {
  readonly #options: ListenerOptions;
  readonly #limits: Limits;
  readonly #trusts: (address: string) => boolean;
  readonly #handOn: (socket: Socket) => void;
  readonly #open = new Set<Socket>();
  /** Those whose handshake isn't complete. */
  readonly #arriving = new Set<Guest>();
  /** Looked up also after a socket has closed: TLS tells of a reset only then. */
  readonly #guests = new WeakMap<Socket, Guest>();
  #accepted = 0;
  #secured = 0;
  #resumed = 0;
  #turnedAway = 0;

  constructor(server: Server, options: ListenerOptions, limits: Limits) {
    this.#options = options;
    this.#limits = limits;
    this.#trusts = addressBlocks(options.proxyProtocol ?? []);
    // TLS listens for connections itself; we stand in front of it and pass them on.
    const tlsListeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    this.#handOn = (socket) => {
      for (const listener of tlsListeners) listener.call(server, socket);
    };
    server.on('connection', (socket: Socket) => this.#receive(socket));
    server.on('secureConnection', (socket: TLSSocket) => this.#welcome(socket));
    server.on('tlsClientError', (error, socket) => this.#lament(error, socket));
    server.on('drop', () => void this.#turnedAway++);
  }

  counts(): ConnectionCounts {
    return {
      open: this.#open.size,
      handshaking: this.#arriving.size,
      accepted: this.#accepted,
      secured: this.#secured,
      resumed: this.#resumed,
      turnedAway: this.#turnedAway,
    };
  }

  /** Closes those that haven't come as far as a request; it isn't their fault, so no knock. */
  dismissWaiting(): void {
    for (const guest of this.#arriving) {
      guest.noted = true;
      guest.socket.destroy();
    }
  }

  dismissAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #receive(socket: Socket): void {
    const own = plainAddress(socket);
    const trusted = this.#trusts(own.address);
    const guest: Guest = {
      socket,
      visitor: { ...own, client: 'unknown' },
      versions: [],
      timer: undefined,
      noted: false,
    };
    this.#accepted++;
    this.#open.add(socket);
    this.#guests.set(socket, guest);
    this.#arriving.add(guest);
    socket.on('error', () => {}); // what it means is read from the close, or from the TLS error
    socket.on('close', () => {
      this.#open.delete(socket);
      this.#settle(guest);
    });
    const stop = peek(socket, trusted, (opening) => {
      guest.timer?.cancel();
      if (opening.kind === 'ended') {
        // Load balancers look whether we are there by connecting and hanging up.
        if (trusted && !opening.begun) guest.noted = true;
        this.#note(guest, 'tcp', opening.begun ? 'hello-unfinished' : 'closed-before-hello');
        socket.destroy();
        return;
      }
      if (opening.proxied) guest.visitor = { ...guest.visitor, ...opening.proxied };
      if (opening.kind === 'refused') {
        this.#note(guest, 'tcp', opening.reason, opening.detail);
        refuse(socket, opening.reason);
        return;
      }
      const { serverName, versions } = opening.hello;
      guest.visitor = {
        ...guest.visitor,
        client: familyOf(opening.hello),
        ...(serverName ? { serverName } : {}),
      };
      guest.versions = versions;
      guest.timer = this.#options.clock.after(this.#limits.handshakeTimeout, () => {
        this.#note(guest, 'tls', 'handshake-unfinished');
        socket.destroy();
      });
      introduce(socket, guest.visitor);
      this.#handOn(socket);
    });
    guest.timer = this.#options.clock.after(this.#limits.helloTimeout, () => {
      const begun = stop();
      this.#note(guest, 'tcp', begun ? 'hello-unfinished' : 'silent');
      socket.destroy();
    });
  }

  #welcome(socket: TLSSocket): void {
    const raw = beneath(socket);
    const guest = raw && this.#guests.get(raw);
    if (!raw || !guest) return;
    this.#settle(guest);
    this.#secured++;
    if (socket.isSessionReused()) this.#resumed++;
    introduce(socket, guest.visitor);
    socket.on('close', () => {
      if (socket.bytesRead === 0) this.#note(guest, 'tls', 'handshake-then-nothing');
    });
    this.#options.onConnection?.(socket, guest.visitor);
  }

  #lament(error: Error, socket: TLSSocket): void {
    const raw = beneath(socket);
    const guest = raw && this.#guests.get(raw);
    if (guest) {
      const { reason, detail } = handshakeFault(error);
      const shown =
        reason === 'no-shared-version' && !detail ? `offered=${versionNames(guest.versions)}` : detail;
      this.#note(guest, 'tls', reason, shown);
    }
    socket.destroy();
  }

  #settle(guest: Guest): void {
    guest.timer?.cancel();
    guest.timer = undefined;
    this.#arriving.delete(guest);
  }

  #note(guest: Guest, layer: 'tcp' | 'tls', reason: ListenerReason, detail?: string): void {
    if (guest.noted) return;
    guest.noted = true;
    this.#options.onKnock({ ...guest.visitor, layer, reason, ...(detail ? { detail } : {}) });
  }
}

/** The TCP socket under a TLS one. Node keeps it without naming it in its documentation; a test watches over it. */
function beneath(socket: TLSSocket): Socket | undefined {
  return (socket as TLSSocket & { _parent?: Socket })._parent;
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

const plainAnswer = 'This port speaks HTTPS.\n';

function refuse(socket: Socket, reason: ListenerReason): void {
  if (reason !== 'plain-http') {
    socket.destroy();
    return;
  }
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${plainAnswer.length}\r\nConnection: close\r\n\r\n${plainAnswer}`,
  );
  socket.resume(); // what else it says is thrown away, so that it reads the answer before a reset
  socket.setTimeout(2_000, () => socket.destroy());
}
