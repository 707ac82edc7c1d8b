/**
 * Connections on which nobody has proved who they are yet. When room gets scarce, those of them that are idle make
 * room for others: one address could hold every place otherwise. How many come from one address doesn't count,
 * since a fleet may sit behind one.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../clock.ts';

/** A connection, until it carries a verified request. */
export interface Stranger {
  readonly socket: Socket;
  /** When it came, on the clock that nobody sets. */
  readonly since: number;
  /** Since when nothing has been going on. */
  idleSince: number;
  /** What is going on: a handshake, requests that aren't answered yet, a websocket. */
  busy: number;
}

/** Past this part of all places, strangers that are idle for long go. */
const half = 0.5;
/** Past this part, those go that are idle at all. */
const nearlyAll = 0.9;
/** Milliseconds. Who has something to ask asks at once; a retry may follow an answer, or a person's next command. */
const idleForLong = 10_000;
const idleAtAll = 2_000;

/** Keeps the strangers, and sends them away when their places are needed. */
export class Strangers {
  /** In the order in which they came. */
  readonly #all = new Set<Stranger>();
  readonly #clock: Clock;
  readonly #places: number;
  readonly #taken: () => number;
  readonly #sendAway: (stranger: Stranger) => void;
  #looking = false;

  constructor(deps: {
    clock: Clock;
    places: number;
    /** How many places are taken, by strangers and by others. */
    taken(): number;
    /** Ends a connection; its place is free when this returns. */
    sendAway(stranger: Stranger): void;
  }) {
    this.#clock = deps.clock;
    this.#places = deps.places;
    this.#taken = deps.taken;
    this.#sendAway = deps.sendAway;
  }

  add(socket: Socket): Stranger {
    const now = this.#clock.monotonic();
    const stranger = { socket, since: now, idleSince: now, busy: 0 };
    this.#all.add(stranger);
    return stranger;
  }

  /** It is gone, or known by now. */
  delete(stranger: Stranger): void {
    this.#all.delete(stranger);
  }

  /** Something began on it. */
  begin(stranger: Stranger): void {
    stranger.busy++;
  }

  /** It came to its end. */
  end(stranger: Stranger): void {
    stranger.busy--;
    stranger.idleSince = this.#clock.monotonic();
  }

  /** Sends idle strangers away if there are too many connections. Called often. */
  makeRoom(): void {
    if (this.#looking || this.#taken() <= this.#places * half) return;
    this.#looking = true;
    // When thousands come at once we are the slow ones: what has arrived by now is read before anybody counts as idle.
    setImmediate(() =>
      setImmediate(() => {
        this.#looking = false;
        this.#sendAwayUntil(Math.floor(this.#places * half), idleForLong);
        this.#sendAwayUntil(Math.floor(this.#places * nearlyAll), idleAtAll);
      }),
    );
  }

  #sendAwayUntil(enough: number, idle: number): void {
    const before = this.#clock.monotonic() - idle;
    for (const stranger of this.#all) {
      // Who comes after this one came even later.
      if (this.#taken() <= enough || stranger.since > before) return;
      if (stranger.busy > 0 || stranger.idleSince > before) continue;
      this.#all.delete(stranger);
      this.#sendAway(stranger);
    }
  }
}
