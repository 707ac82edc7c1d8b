/**
 * All control channels that this server holds: from the first text frame to the last, one per node, the
 * newest wins. What the frames mean is left to whoever opened this; who may connect was decided before.
 */
import { decodeFrame, encodeFrame, type Frame } from '@rollcall/wire';
import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../clock.ts';
import type { Call } from '../service/index.ts';
import type { ClosedBy, ControlChannel } from './control-channel.ts';
import { readHello } from './hello.ts';
import type { ChannelLog } from './log.ts';
import type { ChannelTokens } from './tokens.ts';

/** How long the first frame may take, in milliseconds. */
export const helloWait = 10_000;
/** A channel this long without a sign is over. Agents ping every 54 s. */
export const silenceLimit = 120_000;
/** What may wait in a socket's buffer before it is given up, in bytes. */
export const bufferLimit = 1_000_000;
/**
 * The official agent (3.3.0.0) sends replies of up to 120,000 bytes, within a frame whose JSON may escape each of
 * them. One that is refused for its length would come again, and be refused, for hours.
 */
export const frameLimit = 245_000;
/** With more than this waiting in its buffer, in bytes, a socket is given no further jobs. */
const roomLimit = 250_000;

/** How long a node may take to agree that its channel is over. */
const farewellWait = 1_000;
/**
 * The same when the server stops. The official agent (3.3.0.0) answers the close frame but leaves its socket
 * open, and tries again within 2.5 s: who finds nobody then stays away for 5 to 10 s.
 */
const drainWait = 300;
/** Frames of one channel that may be in the works before its socket is read no further. */
const mostBusy = 32;
/** Frames that may arrive between the first one and the epoch. */
const mostEarly = 64;
/** A sweep this late means that we were blind (suspended, overloaded), not the nodes silent. */
const blindAfter = 10_000;

/** How presence learns of channels. */
export interface ChannelPresence {
  /** Resolves with the channel's epoch, or undefined when the node is registered no more. */
  channelOpened(region: string, nodeId: string): Promise<number | undefined>;
  channelClosed(region: string, nodeId: string, epoch: number, by: ClosedBy): Promise<unknown>;
}

/** Why a socket was turned away before it became a channel. */
export type HelloRefusal = 'channel-token-refused' | 'channel-hello-malformed' | 'channel-hello-late';

/** What the channels tell the outside. */
export interface ChannelEvents {
  /** A frame from an open channel. When the promise rejects, the channel is closed. */
  heard(channel: ControlChannel, frame: Frame): Promise<void> | undefined;
  opened(channel: ControlChannel): void;
  left(channel: ControlChannel): void;
  turnedAway(call: Call, nodeId: string, reason: HelloRefusal): void;
}

/** What is counted, since the start. */
export interface ChannelCounts {
  opened: number;
  replaced: number;
  turnedAway: number;
  badFrames: number;
  silent: number;
  overflowed: number;
}

/** The socket, with what we remember of it: one property instead of a closure for each event. */
type Held = WebSocket & { rollcall?: ControlChannel };

/** Holds the control channels; `close` ends them all and waits for that. */
export class ControlChannels {
  readonly counts: ChannelCounts = {
    opened: 0,
    replaced: 0,
    turnedAway: 0,
    badFrames: 0,
    silent: 0,
    overflowed: 0,
  };
  readonly #clock: Clock;
  readonly #presence: ChannelPresence;
  readonly #tokens: ChannelTokens;
  readonly #events: ChannelEvents;
  readonly #log: ChannelLog;
  readonly #open = new Map<string, ControlChannel>();
  /** In the order of arrival. */
  readonly #opening = new Set<ControlChannel>();
  /** In the order in which we ended them. */
  readonly #ending = new Set<ControlChannel>();
  readonly #underWay = new Set<Promise<void>>();
  /** Ends that couldn't be written down: until they are, the books call these channels open. */
  readonly #untold = new Map<ControlChannel, ClosedBy>();
  #retelling = false;
  #lastSweep: number;
  #draining = false;
  #allGone: (() => void) | undefined;

  constructor(deps: {
    clock: Clock;
    presence: ChannelPresence;
    tokens: ChannelTokens;
    events: ChannelEvents;
    log: ChannelLog;
  }) {
    this.#clock = deps.clock;
    this.#presence = deps.presence;
    this.#tokens = deps.tokens;
    this.#events = deps.events;
    this.#log = deps.log;
    this.#lastSweep = deps.clock.monotonic();
  }

  /** Channels that are open here. */
  get size(): number {
    return this.#open.size;
  }

  /** Sockets that have not yet said who they are. */
  get waiting(): number {
    return this.#opening.size;
  }

  get(nodeId: string): ControlChannel | undefined {
    return this.#open.get(nodeId);
  }

  nodeIds(): IterableIterator<string> {
    return this.#open.keys();
  }

  /** Takes over a socket whose request was authenticated and allowed. */
  accept(call: Call, nodeId: string, socket: WebSocket): void {
    const now = this.#clock.monotonic();
    const opening = { call, since: now, greeted: false, early: [] };
    const channel: ControlChannel = {
      hub: this,
      socket,
      region: call.region,
      nodeId,
      opening,
      epoch: 0,
      heard: now,
      busy: 0,
      over: false,
      endedAt: undefined,
    };
    (socket as Held).rollcall = channel;
    socket.on('message', onMessage);
    socket.on('ping', onSign);
    socket.on('pong', onSign);
    socket.on('error', onError);
    socket.on('close', onClose);
    this.#opening.add(channel);
    if (this.#draining) this.end(channel, 'server', 1012, 'restarting');
  }

  /** Whether the socket has taken most of what it was given. */
  hasRoom(channel: ControlChannel): boolean {
    return channel.socket.bufferedAmount <= roomLimit;
  }

  /**
   * Sends a frame to the node; false when it has no open channel here, or `epoch` is another. `written` is called
   * when the frame has left us, or can't any more.
   */
  send(nodeId: string, frame: Frame, epoch?: number, written: () => void = ignoreSendError): boolean {
    const channel = this.#open.get(nodeId);
    if (!channel || (epoch !== undefined && channel.epoch !== epoch)) return false;
    channel.socket.send(encodeFrame(frame), written);
    if (channel.socket.bufferedAmount > bufferLimit) {
      this.counts.overflowed++;
      this.#log.warn({ node: nodeId }, 'the node reads too slowly; its control channel is cut');
      this.#leave(channel, 'server');
      channel.socket.terminate();
    }
    return true;
  }

  /** Ends every socket of a node, open or on its way. True when there was one. */
  disconnect(nodeId: string, reason: string): boolean {
    const channels = [...this.#opening].filter((channel) => channel.nodeId === nodeId);
    const open = this.#open.get(nodeId);
    if (open) channels.push(open);
    for (const channel of channels) this.end(channel, 'server', 1008, reason);
    return channels.length > 0;
  }

  /** Ends one channel: it counts no more from now on, and the node is told why. */
  end(channel: ControlChannel, by: ClosedBy, code: number, reason: string): void {
    this.#leave(channel, by);
    if (channel.endedAt !== undefined) return;
    channel.endedAt = this.#clock.monotonic();
    this.#ending.add(channel);
    channel.socket.close(code, reason);
    // A socket that is read no further would never see the node agree.
    channel.socket.resume();
  }

  /** Looks for the slow, the silent and those that won't go. Called every second. */
  sweep(): void {
    const now = this.#clock.monotonic();
    const blind = now - this.#lastSweep > blindAfter ? now - this.#lastSweep : 0;
    this.#lastSweep = now;
    for (const channel of this.#ending) {
      if ((channel.endedAt ?? 0) + farewellWait > now) break;
      channel.socket.terminate();
      this.#ending.delete(channel);
    }
    for (const channel of this.#opening) {
      const { opening } = channel;
      if (!opening || opening.since + helloWait > now) break;
      if (!opening.greeted)
        this.#turnAway(channel, 1008, 'channel-hello-late', 'the first frame came too late');
    }
    for (const channel of this.#open.values()) {
      channel.heard += blind;
      if (now - channel.heard < silenceLimit) continue;
      this.counts.silent++;
      this.#leave(channel, 'silence');
      channel.socket.terminate();
    }
    if (this.#untold.size > 0 && !this.#retelling) this.#join(this.#tellAgain());
  }

  /** Tells every node to come again later, in handfuls, and waits until they are gone or cut. */
  async close(): Promise<void> {
    this.#draining = true;
    const all = [...this.#opening, ...this.#open.values()];
    for (const [index, channel] of all.entries()) {
      this.end(channel, 'server', 1012, 'restarting');
      if (index % 100 === 99) await new Promise(setImmediate);
    }
    if (this.#ending.size > 0) {
      await new Promise<void>((resolve) => {
        const patience = this.#clock.after(drainWait, resolve);
        this.#allGone = () => {
          patience.cancel();
          resolve();
        };
      });
      for (const channel of this.#ending) channel.socket.terminate();
    }
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  onMessage(channel: ControlChannel, data: RawData, isBinary: boolean): void {
    channel.heard = this.#clock.monotonic();
    if (channel.over) return;
    const bytes = data as Buffer;
    const { opening } = channel;
    if (opening && !opening.greeted) {
      this.#greet(channel, opening.call, bytes, isBinary);
    } else if (!isBinary) {
      this.#badFrame(channel, 1003, 'a text frame after the first');
    } else if (opening) {
      if (opening.early.push(bytes) > mostEarly) this.#badFrame(channel, 1008, 'too many frames at once');
    } else {
      this.#hear(channel, bytes);
    }
  }

  onSign(channel: ControlChannel): void {
    channel.heard = this.#clock.monotonic();
  }

  onError(channel: ControlChannel, error: Error & { code?: string }): void {
    // What the websocket protocol itself forbids, oversized frames among it; the socket closes by itself.
    if (!error.code?.startsWith('WS_ERR_')) return;
    this.counts.badFrames++;
    this.#log.debug({ node: channel.nodeId, code: error.code }, 'a frame broke the websocket protocol');
    this.#leave(channel, 'server');
    channel.endedAt ??= this.#clock.monotonic();
    this.#ending.add(channel);
  }

  onClose(channel: ControlChannel): void {
    this.#leave(channel, 'node');
    this.#ending.delete(channel);
    if (this.#ending.size === 0) this.#allGone?.();
  }

  #greet(channel: ControlChannel, call: Call, bytes: Buffer, isBinary: boolean): void {
    const hello = isBinary ? 'the first frame is not text' : readHello(bytes.toString('utf8'));
    if (typeof hello === 'string') {
      this.#turnAway(channel, 1008, 'channel-hello-malformed', hello);
      return;
    }
    const principal = call.principal.kind === 'node' ? call.principal.arn : '';
    if (!this.#tokens.redeem(channel.nodeId, principal, hello.token)) {
      this.#turnAway(channel, 4401, 'channel-token-refused', 'the token is not valid');
      return;
    }
    channel.opening!.greeted = true;
    channel.socket.pause();
    this.#join(this.#register(channel));
  }

  /** Raises the epoch in the books; only then does the channel exist. */
  async #register(channel: ControlChannel): Promise<void> {
    let epoch: number | undefined;
    try {
      epoch = await this.#presence.channelOpened(channel.region, channel.nodeId);
    } catch (error) {
      this.#log.warn({ err: error, node: channel.nodeId }, 'could not write down an opened control channel');
      this.#opening.delete(channel);
      this.end(channel, 'server', 1011, 'try again');
      return;
    }
    if (epoch === undefined) {
      this.#opening.delete(channel);
      this.end(channel, 'server', 1008, 'not registered');
      return;
    }
    channel.epoch = epoch;
    const early = channel.opening?.early ?? [];
    this.#opening.delete(channel);
    channel.opening = undefined;
    if (channel.over) {
      // It went away, or was cut, while we wrote: the books must not say that it is open.
      await this.#reportClosed(channel, channel.endedAt === undefined ? 'node' : 'server');
      return;
    }
    const older = this.#open.get(channel.nodeId);
    if (older && older.epoch > epoch) {
      this.#replace(channel);
      return;
    }
    if (older) this.#replace(older);
    this.#open.set(channel.nodeId, channel);
    this.counts.opened++;
    this.#events.opened(channel);
    for (const bytes of early) if (!channel.over) this.#hear(channel, bytes);
    if (channel.busy < mostBusy) channel.socket.resume();
  }

  #hear(channel: ControlChannel, bytes: Buffer): void {
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      this.#badFrame(channel, 1007, error instanceof Error ? error.message : 'not a frame');
      return;
    }
    const work = this.#events.heard(channel, frame);
    if (!work) return;
    if (++channel.busy >= mostBusy) channel.socket.pause();
    this.#join(this.#finish(channel, work));
  }

  async #finish(channel: ControlChannel, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#log.warn({ err: error, node: channel.nodeId }, 'a frame could not be written down');
      this.end(channel, 'server', 1011, 'try again');
    }
    if (channel.busy-- === mostBusy) channel.socket.resume();
  }

  #badFrame(channel: ControlChannel, code: number, what: string): void {
    this.counts.badFrames++;
    this.#log.debug({ node: channel.nodeId, what }, 'a control channel sent what is not a frame');
    this.end(channel, 'server', code, 'malformed frame');
  }

  #turnAway(channel: ControlChannel, code: number, reason: HelloRefusal, words: string): void {
    this.counts.turnedAway++;
    if (channel.opening) this.#events.turnedAway(channel.opening.call, channel.nodeId, reason);
    this.end(channel, 'server', code, words);
  }

  /** A newer channel of the same node is open: its epoch is what counts, so there is nothing to write. */
  #replace(older: ControlChannel): void {
    this.counts.replaced++;
    older.epoch = 0;
    this.end(older, 'server', 4409, 'replaced by a newer channel');
  }

  /** Counts it no more, and lets presence know if it had told presence of it. */
  #leave(channel: ControlChannel, by: ClosedBy): void {
    if (channel.over) return;
    channel.over = true;
    if (!channel.opening?.greeted) this.#opening.delete(channel);
    if (this.#open.get(channel.nodeId) === channel) this.#open.delete(channel.nodeId);
    // While draining the books need no line for each node: the server's own says that it stopped.
    if (channel.epoch !== 0 && !this.#draining) this.#join(this.#reportClosed(channel, by));
    if (!channel.opening) this.#events.left(channel);
  }

  async #reportClosed(channel: ControlChannel, by: ClosedBy): Promise<void> {
    try {
      await this.#presence.channelClosed(channel.region, channel.nodeId, channel.epoch, by);
    } catch (error) {
      const words = 'could not write down a closed control channel; tried again';
      this.#log.warn({ err: error, node: channel.nodeId }, words);
      this.#untold.set(channel, by);
    }
  }

  /** One at a time, up to the first that fails: while the store is away, that is one attempt a second. */
  async #tellAgain(): Promise<void> {
    this.#retelling = true;
    try {
      for (const [channel, by] of this.#untold) {
        await this.#presence.channelClosed(channel.region, channel.nodeId, channel.epoch, by);
        this.#untold.delete(channel);
      }
    } catch {
      // It was said when it failed first.
    } finally {
      this.#retelling = false;
    }
  }

  #join(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }
}

function ignoreSendError(): void {
  // The socket's own events say what happened to it.
}

function onMessage(this: Held, data: RawData, isBinary: boolean): void {
  this.rollcall!.hub.onMessage(this.rollcall!, data, isBinary);
}

function onSign(this: Held): void {
  this.rollcall!.hub.onSign(this.rollcall!);
}

function onError(this: Held, error: Error): void {
  this.rollcall!.hub.onError(this.rollcall!, error);
}

function onClose(this: Held): void {
  this.rollcall!.hub.onClose(this.rollcall!);
}
