/**
 * Receives sockets before TLS does: reads who it is, hands them on, and notes those that never come to a request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
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
import type { Limits } from './limits.ts';
import { peek } from './peek.ts';
import { type Stranger, Strangers } from './strangers.ts';

/** Whom the front door tells what. */
export interface FrontDoorOptions {
  readonly clock: Clock;
  /** Told of every connection that ended before its first request. Called synchronously: it must be quick. */
  onKnock(knock: ListenerKnock): void;
  /** Told of every completed handshake. */
  onConnection?(socket: TLSSocket, visitor: Visitor): void;
  /** Load balancers (CIDR) whose PROXY header is believed. */
  readonly proxyProtocol?: readonly string[];
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
  /** Closed to make room, since nobody had proved anything on them and they were idle. */
  readonly sentAway: number;
}

/** A connection between accept and the end of its handshake, or (secured) to its first request. */
interface Guest {
  readonly socket: Socket;
  visitor: Visitor;
  versions: readonly number[];
  timer: Timer | undefined;
  /** Until the first verified request. */
  stranger: Stranger | undefined;
  /** A knock is left once. */
  noted: boolean;
}

/** Stands between a server's port and its TLS. */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #limits: Limits;
  readonly #trusts: (address: string) => boolean;
  readonly #handOn: (socket: Socket) => void;
  readonly #open = new Set<Socket>();
  /** Those whose handshake isn't complete. */
  readonly #arriving = new Set<Guest>();
  /** Looked up also after a socket has closed: TLS tells of a reset only then. */
  readonly #guests = new WeakMap<Socket, Guest>();
  readonly #strangers: Strangers;
  #shut = false;
  #accepted = 0;
  #secured = 0;
  #resumed = 0;
  #turnedAway = 0;
  #sentAway = 0;

  constructor(server: Server, options: FrontDoorOptions, limits: Limits) {
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
    server.on('drop', () => {
      this.#turnedAway++;
      this.makeRoom();
    });
    server.on('request', (request, response) => this.#serve(request, response));
    this.#strangers = new Strangers({
      clock: options.clock,
      places: limits.maxConnections,
      taken: () => this.#open.size,
      sendAway: ({ socket }) => this.#sendAway(socket),
    });
  }

  counts(): ConnectionCounts {
    return {
      open: this.#open.size,
      handshaking: this.#arriving.size,
      accepted: this.#accepted,
      secured: this.#secured,
      resumed: this.#resumed,
      turnedAway: this.#turnedAway,
      sentAway: this.#sentAway,
    };
  }

  /** Somebody has proved on this connection who they are: from now on its place is theirs. */
  vouchFor(socket: Socket): void {
    const guest = this.#guestOf(socket);
    if (!guest?.stranger) return;
    this.#strangers.delete(guest.stranger);
    guest.stranger = undefined;
  }

  /** The connection is in use for good, by a websocket or on the way to one. */
  hold(socket: Socket): void {
    const stranger = this.#guestOf(socket)?.stranger;
    if (stranger) this.#strangers.begin(stranger);
  }

  /** Closes idle connections that nobody vouched for, if there are too many. */
  makeRoom(): void {
    this.#strangers.makeRoom();
  }

  /** From now on the end of a connection is our doing, and nobody's knock. Those still arriving are closed. */
  shut(): void {
    this.#shut = true;
    for (const guest of this.#arriving) guest.socket.destroy();
  }

  /** Closes whatever is open. */
  dismissAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #receive(socket: Socket): void {
    const own = plainAddress(socket);
    const trusted = this.#trusts(own.address);
    const guest: Guest = {
      socket,
      visitor: { ...own, client: 'unknown' },
      versions: noVersions,
      timer: undefined,
      stranger: this.#strangers.add(socket),
      noted: false,
    };
    this.#accepted++;
    this.#open.add(socket);
    this.#guests.set(socket, guest);
    this.#arriving.add(guest);
    this.makeRoom();
    socket.on('error', ignore);
    this.#awaitEnd(guest);
    const stop = peek(socket, trusted, (opening) => {
      guest.timer?.cancel();
      guest.timer = undefined;
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
      this.#expect(guest, this.#limits.handshakeTimeout, () => {
        this.#note(guest, 'tls', 'handshake-unfinished');
        socket.destroy();
      });
      introduce(socket, guest.visitor);
      if (guest.stranger) this.#strangers.begin(guest.stranger);
      this.#handOn(socket);
    });
    this.#expect(guest, this.#limits.helloTimeout, () => {
      const begun = stop();
      this.#note(guest, 'tcp', begun ? 'hello-unfinished' : 'silent');
      socket.destroy();
    });
  }

  /** Apart from `#receive`, or its closure would keep alive all that was only needed until the hello. */
  #awaitEnd(guest: Guest): void {
    guest.socket.on('close', () => {
      this.#open.delete(guest.socket);
      if (guest.stranger) this.#strangers.delete(guest.stranger);
      this.#settle(guest);
    });
  }

  /**
   * Gives a guest so long. When thousands come at once we are the slow ones: what has arrived by then is read
   * before anybody is sent away, or they would all come again.
   */
  #expect(guest: Guest, time: number, tooLate: () => void): void {
    const timer = this.#options.clock.after(time, () => {
      setImmediate(() => {
        if (guest.timer === timer) tooLate();
      });
    });
    guest.timer = timer;
  }

  #welcome(socket: TLSSocket): void {
    const raw = beneath(socket);
    const guest = raw && this.#guests.get(raw);
    if (!raw || !guest) return;
    this.#settle(guest);
    if (guest.stranger) this.#strangers.end(guest.stranger);
    guest.versions = noVersions;
    this.#secured++;
    if (socket.isSessionReused()) this.#resumed++;
    introduce(socket, guest.visitor);
    socket.on('close', () => {
      if (socket.bytesRead === 0) this.#note(guest, 'tls', 'handshake-then-nothing');
    });
    this.#options.onConnection?.(socket, guest.visitor);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const stranger = this.#guestOf(request.socket)?.stranger;
    if (!stranger) return;
    this.#strangers.begin(stranger);
    response.once('close', () => this.#strangers.end(stranger));
  }

  /** The end is our doing, and no fault of theirs: it leaves no knock. */
  #sendAway(socket: Socket): void {
    const guest = this.#guests.get(socket);
    if (guest) {
      guest.noted = true;
      this.#settle(guest);
    }
    this.#sentAway++;
    this.#open.delete(socket);
    socket.destroy();
  }

  #guestOf(socket: Socket): Guest | undefined {
    const raw = beneath(socket);
    return raw && this.#guests.get(raw);
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
    if (guest.noted || this.#shut) return;
    guest.noted = true;
    this.#options.onKnock({ ...guest.visitor, layer, reason, ...(detail ? { detail } : {}) });
  }
}

const noVersions: readonly number[] = [];

/** What an error of the socket means is read from its close, or from TLS's own error. */
function ignore(): void {}

/** The TCP socket under a TLS one. Node keeps it without naming it in its documentation; a test watches over it. */
function beneath(socket: Socket): Socket | undefined {
  return (socket as Socket & { _parent?: Socket })._parent;
}

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
