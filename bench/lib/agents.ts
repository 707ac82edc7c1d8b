/**
 * A child process with thousands of simulated agents that registered long ago, or as many bare websockets. They
 * speak the real protocol: a signed call for a token on a connection of their own, a signed websocket, a hello, then
 * pings and heartbeats at the official agent's times.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { WebSocket } from 'ws';
import { makeKeyPool } from '../../test/harness/key-pool.ts';
import { type Fleet, newAgent, openFleet, type SimulatedAgent } from '../../test/harness/simulated-agent.ts';
import { nodeId, region } from './books.ts';
import { answer } from './children.ts';
import { openMint } from './mint.ts';

/** What to do, as it comes on standard input. */
interface Order {
  readonly url: string;
  readonly from: number;
  readonly count: number;
  /** For calls, shared by all; when left out, each agent has its own, as agents have. */
  readonly connections?: number;
  /** Milliseconds between attempts to connect; the official agent's when left out. */
  readonly backOff?: { readonly first: number; readonly cap: number };
}

const [kind, data] = process.argv.slice(2) as [string, string];
const ca = readFileSync(`${data}/ca.crt`, 'utf8');
const secureContext = createSecureContext({ ca });
const atOnce = 128;

let held: { open(): number; reopenings(): number; failures(): object } | undefined;

/** Runs `work` for each number, a few at a time. */
async function each(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}

async function openAgents({ url, from, count, backOff, connections = count }: Order): Promise<void> {
  const mint = await openMint(data);
  const fleet: Fleet = openFleet({
    url,
    ca,
    region,
    activation: { id: '', code: '' },
    keys: await makeKeyPool(1),
    messages: 'channel',
    connections,
    ...(backOff && { backOff }),
  });
  const soon = Date.now() + 3_000_000;
  for (let index = from; index < from + count; index++) {
    fleet.agents.push({ ...agentOf(index), ...mint(nodeId(index)), refreshAt: soon });
  }
  await each(count, async (index) => {
    const agent = fleet.agents[index]!;
    await fleet.connect(agent);
    agent.beatAt = Date.now() + Math.random() * 300_000;
  });
  await fleet.connected(count, 300_000);
  held = {
    open: () => fleet.open,
    reopenings: () => fleet.counts.opened - count,
    failures: () => Object.fromEntries(fleet.counts.failures),
  };
}

function agentOf(number: number): SimulatedAgent {
  return { ...newAgent(number), nodeId: nodeId(number), fingerprint: '' };
}

/** The same with nothing to say: a handshake, and a ping every 54 seconds. */
async function openBare({ url, count, backOff }: Order): Promise<void> {
  const target = url.replace(/^http/, 'ws');
  const { first = 5_000, cap = 2_400_000 } = backOff ?? {};
  let open = 0;
  let opened = 0;
  const failed = new Map<string, number>();
  const dial = (failures = 0): Promise<void> =>
    new Promise((done) => {
      const socket = new WebSocket(target, {
        perMessageDeflate: false,
        handshakeTimeout: 15_000,
        ...(target.startsWith('wss') && { secureContext }),
      });
      let isOpen = false;
      let pings: NodeJS.Timeout | undefined;
      socket.on('open', () => {
        isOpen = true;
        open++;
        opened++;
        pings = setTimeout(() => {
          socket.ping('keepalive');
          pings = setInterval(() => socket.ping('keepalive'), 54_000);
        }, Math.random() * 54_000);
        done();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        const code = error.code ?? error.message;
        failed.set(code, (failed.get(code) ?? 0) + 1);
      });
      socket.on('close', () => {
        clearTimeout(pings);
        if (isOpen) open--;
        const wait = isOpen
          ? Math.random() * Math.min(2_500, first)
          : Math.min(cap, first * (1 + Math.random()) * 2 ** Math.min(failures, 20)) *
            (1 + Math.random() / 2);
        setTimeout(() => void dial(isOpen ? 0 : failures + 1).then(done), wait);
      });
    });
  await each(count, () => dial());
  held = {
    open: () => open,
    reopenings: () => opened - count,
    failures: () => Object.fromEntries(failed),
  };
}

answer(async (question) => {
  if (question.url !== undefined) {
    const order = question as unknown as Order;
    await (kind === 'bare' ? openBare(order) : openAgents(order));
  }
  return { open: held?.open() ?? 0, reopenings: held?.reopenings() ?? 0, failures: held?.failures() ?? {} };
});
