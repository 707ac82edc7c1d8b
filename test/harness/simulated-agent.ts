/**
 * Simulated nodes for benchmarks and kill tests: thousands of light agents in one process that speak the
 * real wire protocol (registration, RSA-signed token requests, SigV4, control channels, polling) with the
 * timing of amazon-ssm-agent 3.3.0.0, over real connections to a real server.
 *
 *     const fleet = openFleet({ url, ca, region, activation, keys: await makeKeyPool(8_000) });
 *     await fleet.join(8_000);              // register, token, heartbeats, channel
 *     await fleet.connected(8_000);         // all channels open
 *     console.log(fleet.summary());
 *     await fleet.close();
 *
 * An agent costs its socket and a few KiB: timers, TLS context and HTTP connections are the fleet's.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFrame, encodeFrame, type Frame } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import {
  type AgentCalls,
  type AgentCallsOptions,
  openAgentCalls,
  type PolledMessage,
  type SimulatedAgent,
} from './agent-calls.ts';
import { CallError, openTransport, type Transport } from './transport.ts';

export type { SimulatedAgent } from './agent-calls.ts';

/** How the agents of a fleet behave. What isn't given is as the official agent's. */
export interface FleetOptions extends Omit<AgentCallsOptions, 'agentName' | 'agentVersion'> {
  readonly agentName?: string;
  readonly agentVersion?: string;
  /** The CA (PEM) to trust instead of the system's. */
  readonly ca?: string;
  /** Which way messages come; `both` (the official way) polls until a minute after the channel opened. */
  readonly messages?: SimulatedAgent['messages'];
  /** Milliseconds between heartbeats (300,000), and between pings (54,000). */
  readonly heartbeatEvery?: number;
  readonly pingEvery?: number;
  /** The wait after a failed connection (5,000, plus chance), doubled each time up to the cap (2,400,000). */
  readonly backOff?: { readonly first: number; readonly cap: number };
  /** For how long an agent of both ways polls on once its channel is open, in milliseconds (60,000). */
  readonly pollsOn?: number;
  /** The number of the first agent (0), and of its key. */
  readonly firstNumber?: number;
  /** Connections for calls, shared by the whole fleet (32). Each poll has its own. */
  readonly connections?: number;
  /** What an agent sends back for a frame; nothing unless given. */
  readonly answer?: (agent: SimulatedAgent, frame: Frame) => readonly Frame[];
  /** What an agent does with the messages it has polled; it polls no more until that is done. */
  readonly polled?: (agent: SimulatedAgent, messages: readonly PolledMessage[]) => Promise<void> | void;
}

/** What has happened so far, over all agents. */
export interface FleetCounts {
  registered: number;
  heartbeats: number;
  opened: number;
  closed: number;
  polls: number;
  pings: number;
  pongs: number;
  frames: number;
  /** Failed calls and handshakes, by error code. */
  readonly failures: Map<string, number>;
}

type Held = WebSocket & { agent?: SimulatedAgent; fleet?: Fleet };

const never = Number.POSITIVE_INFINITY;
const tick = 100;
/** An agent gives its channel up this long after the last pong. */
const pongWithin = 60_000;

/** A fleet of simulated agents. */
export class Fleet {
  readonly agents: SimulatedAgent[] = [];
  readonly counts: FleetCounts = {
    registered: 0,
    heartbeats: 0,
    opened: 0,
    closed: 0,
    polls: 0,
    pings: 0,
    pongs: 0,
    frames: 0,
    failures: new Map(),
  };
  /** Channels that are open now. */
  open = 0;
  /** The calls themselves, for tests that want something out of turn. */
  readonly calls: AgentCalls;
  /** Milliseconds since the epoch, as the agents believe. */
  readonly now: () => number;
  readonly #options: FleetOptions;
  readonly #heartbeatEvery: number;
  readonly #pingEvery: number;
  readonly #backOff: { readonly first: number; readonly cap: number };
  readonly #pollsOn: number;
  readonly #transport: Transport;
  readonly #timer: NodeJS.Timeout;
  #made = 0;
  #closed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#heartbeatEvery = options.heartbeatEvery ?? 300_000;
    this.#pingEvery = options.pingEvery ?? 54_000;
    this.#backOff = options.backOff ?? { first: 5_000, cap: 2_400_000 };
    this.#pollsOn = options.pollsOn ?? 60_000;
    this.now = options.now ?? Date.now;
    const url = options.url.replace(/\/$/, '');
    this.#transport = openTransport({ url, connections: options.connections ?? 32, ca: options.ca });
    this.calls = openAgentCalls(
      {
        ...options,
        url,
        agentName: options.agentName ?? 'amazon-ssm-agent',
        agentVersion: options.agentVersion ?? '3.3.0.0',
      },
      this.#transport,
    );
    this.#timer = setInterval(() => this.tick(), tick);
  }

  /** Lets `count` new agents start, `atOnce` at a time; resolves when all have sent their heartbeats. */
  async join(count: number, atOnce = 64): Promise<void> {
    let left = count;
    const work = async () => {
      while (left-- > 0) await this.start(await this.register());
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  }

  /** Registers a new node with the activation; it does nothing yet. */
  async register(): Promise<SimulatedAgent> {
    const agent = newAgent((this.#options.firstNumber ?? 0) + this.#made++);
    this.agents.push(agent);
    await this.calls.register(agent);
    this.counts.registered++;
    return agent;
  }

  /** Does what an agent does at its start; from then on it lives by the fleet's timer. */
  async start(agent: SimulatedAgent, messages = this.#options.messages ?? 'channel'): Promise<void> {
    agent.messages = messages;
    await this.heartbeat(agent, 'short');
    await this.heartbeat(agent);
    agent.beatAt = this.now() + Math.random() * this.#heartbeatEvery;
    if (messages === 'channel' || messages === 'both') void this.connect(agent);
    if (messages === 'poll' || messages === 'both') void this.#poll(agent);
  }

  /** Sends one heartbeat now. */
  async heartbeat(agent: SimulatedAgent, kind: 'short' | 'full' = 'full'): Promise<void> {
    await this.calls.heartbeat(agent, kind);
    this.counts.heartbeats++;
  }

  /** Opens the agent's control channel; after a failure it is tried again later. */
  async connect(agent: SimulatedAgent): Promise<void> {
    if (agent.connecting || agent.socket || this.#closed) return;
    agent.connecting = true;
    agent.connectAt = never;
    try {
      const token = await this.calls.createControlChannel(agent);
      if (this.#closed || agent.dismissed) return;
      const socket: Held = this.calls.dialControlChannel(agent);
      socket.agent = agent;
      socket.fleet = this;
      socket.once('open', () => {
        socket.send(this.calls.hello(token));
        this.#opened(agent, socket);
      });
      socket.on('message', onMessage);
      socket.on('pong', onPong);
      socket.on('close', onClose);
      socket.on('error', onError);
    } catch (error) {
      this.#connectLater(agent, error);
    }
  }

  /** An agent goes away for good: it is heard of no more. */
  dismiss(agent: SimulatedAgent): void {
    const place = this.agents.indexOf(agent);
    if (place >= 0) this.agents.splice(place, 1);
    agent.dismissed = true;
    agent.socket?.terminate();
  }

  /** Resolves when at least `count` channels are open. */
  async connected(count: number, timeout = 120_000): Promise<void> {
    const until = Date.now() + timeout;
    while (this.open < count) {
      if (Date.now() > until)
        throw new Error(`only ${this.open} of ${count} channels are open: ${this.summary()}`);
      await sleep(10);
    }
  }

  /** One line of what has happened. */
  summary(): string {
    const { failures, ...numbers } = this.counts;
    return JSON.stringify({ open: this.open, ...numbers, failures: Object.fromEntries(failures) });
  }

  /** Goes away at once, as machines do that lose their power. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const agent of this.agents) agent.socket?.terminate();
    this.#transport.close();
    while (this.open > 0) await sleep(5);
  }

  #opened(agent: SimulatedAgent, socket: WebSocket): void {
    const now = this.now();
    agent.connecting = false;
    agent.socket = socket;
    agent.failures = 0;
    agent.openedAt = now;
    agent.pingAt = now + this.#pingEvery;
    // Its first deadline is a ping's time later than those after a pong.
    agent.lastPong = agent.pingAt;
    this.open++;
    this.counts.opened++;
    if (this.#closed || agent.dismissed) socket.terminate();
  }

  /** @internal A frame came. */
  heard(agent: SimulatedAgent, data: Buffer): void {
    this.counts.frames++;
    const { answer } = this.#options;
    if (answer) for (const frame of answer(agent, decodeFrame(data))) agent.socket?.send(encodeFrame(frame));
  }

  /** @internal A socket is no more, or never was. */
  lost(agent: SimulatedAgent, socket: WebSocket): void {
    if (agent.socket !== socket) {
      this.#connectLater(agent, new CallError('HandshakeFailed', 0));
      return;
    }
    agent.socket = undefined;
    agent.pingAt = never;
    this.open--;
    this.counts.closed++;
    // At once but for chance (2.5 s); after that as any failure.
    agent.connectAt = this.now() + Math.random() * Math.min(2_500, this.#backOff.first);
  }

  #connectLater(agent: SimulatedAgent, error: unknown): void {
    if (agent.dismissed) return;
    this.#failed(error);
    const { first, cap } = this.#backOff;
    const wait = Math.min(cap, first * (1 + Math.random()) * 2 ** Math.min(agent.failures++, 20));
    agent.connecting = false;
    agent.connectAt = this.now() + wait * (1 + Math.random() / 2);
  }

  /** Does what is due. By itself ten times a second; to be called where `now` was turned on. */
  tick(): void {
    const now = this.now();
    for (const agent of this.agents) {
      if (agent.beatAt <= now) {
        agent.beatAt = now + this.#heartbeatEvery;
        void this.heartbeat(agent).catch((error) => this.#failed(error));
      }
      if (agent.connectAt <= now) void this.connect(agent);
      if (agent.pollAt <= now) void this.#poll(agent);
      if (!agent.socket) continue;
      if (now - agent.lastPong > pongWithin) {
        agent.socket.terminate();
      } else if (agent.pingAt <= now) {
        agent.pingAt = now + this.#pingEvery;
        agent.socket.ping('keepalive');
        this.counts.pings++;
      }
    }
  }

  async #poll(agent: SimulatedAgent): Promise<void> {
    agent.pollAt = never;
    const { polled } = this.#options;
    while (!this.#closed && !agent.dismissed) {
      const began = this.now();
      if (agent.messages === 'both' && agent.socket && began - agent.openedAt > this.#pollsOn) return;
      try {
        const mail = await this.calls.poll(agent);
        this.counts.polls++;
        if (mail.length > 0) await polled?.(agent, mail);
      } catch (error) {
        this.#failed(error);
      }
      // At once again, unless it was answered within a second.
      const now = this.now();
      if (now - began >= 1_000) continue;
      agent.pollAt = now + 2_000 + Math.random() * 500;
      return;
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    const { failures } = this.counts;
    const code = String((error as { code?: unknown }).code ?? (error as Error).message);
    // Whatever the server says, the list stays short.
    const key = failures.has(code) || failures.size < 50 ? code : 'other';
    failures.set(key, (failures.get(key) ?? 0) + 1);
  }
}

/** Opens a fleet without agents. */
export function openFleet(options: FleetOptions): Fleet {
  return new Fleet(options);
}

/** An agent that hasn't registered yet. */
export function newAgent(number: number): SimulatedAgent {
  return {
    number,
    fingerprint: randomUUID(),
    nodeId: '',
    accessKeyId: '',
    secretAccessKey: '',
    sessionToken: '',
    refreshAt: 0,
    refreshing: undefined,
    socket: undefined,
    openedAt: 0,
    connecting: false,
    failures: 0,
    beatAt: never,
    pingAt: never,
    connectAt: never,
    pollAt: never,
    messages: 'channel',
    dismissed: false,
    lastPong: 0,
    lastBeat: 0,
  };
}

function onMessage(this: Held, data: Buffer): void {
  this.fleet!.heard(this.agent!, data);
}

function onPong(this: Held): void {
  this.fleet!.counts.pongs++;
  this.agent!.lastPong = this.fleet!.now();
}

function onClose(this: Held): void {
  this.fleet!.lost(this.agent!, this);
}

function onError(): void {
  // A socket that fails also closes, which says the same.
}
