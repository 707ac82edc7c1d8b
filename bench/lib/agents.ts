/**
 * A child process with thousands of simulated agents that registered long ago, or as many bare websockets. They
 * speak the real protocol: a signed call for a token on a connection of their own, a signed websocket, a hello, then
 * pings and heartbeats at the official agent's times. They deal with commands as it does, and everything that they
 * run succeeds at once.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FrameType } from '@rollcall/wire';
import { WebSocket } from 'ws';
import { makeKeyPool } from '../../test/harness/key-pool.ts';
import { openOfficialJobs } from '../../test/harness/official-jobs.ts';
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
  /** Without heartbeats: pings only, as bare websockets. */
  readonly quiet?: boolean;
  /** What a bare websocket sends back for each message: the bytes of each frame. */
  readonly answers?: readonly number[];
}

/** What one process's agents have seen of jobs; times in milliseconds since the epoch. */
export interface JobsSeen {
  readonly jobs: number;
  /** Reports that the server acknowledged. */
  readonly acknowledged: number;
  readonly firstJob: number;
  readonly lastJob: number;
  readonly lastAcknowledged: number;
  /** The bytes of the last job's frame, and of the frames that its node sent for it. */
  readonly job: number;
  readonly answers: readonly number[];
}

const [kind, data] = process.argv.slice(2) as [string, string];
const ca = readFileSync(`${data}/ca.crt`, 'utf8');
const secureContext = createSecureContext({ ca });
const atOnce = 128;

let held: { open(): number; reopenings(): number; failures(): object; seen?(): JobsSeen } | undefined;

/** Runs `work` for each number, a few at a time. */
async function each(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}

async function openAgents(order: Order): Promise<void> {
  const { url, from, count, backOff, connections = count, quiet = false } = order;
  const mint = await openMint(data);
  const jobs = watchJobs();
  const fleet: Fleet = openFleet({
    url,
    ca,
    region,
    activation: { id: '', code: '' },
    keys: await makeKeyPool(1),
    messages: 'channel',
    connections,
    answer: jobs.answer,
    ...(backOff && { backOff }),
  });
  const soon = Date.now() + 3_000_000;
  for (let index = from; index < from + count; index++) {
    fleet.agents.push({ ...agentOf(index), ...mint(nodeId(index)), refreshAt: soon });
  }
  await each(count, async (index) => {
    const agent = fleet.agents[index]!;
    await fleet.connect(agent);
    if (!quiet) agent.beatAt = Date.now() + Math.random() * 300_000;
  });
  await fleet.connected(count, 300_000);
  held = {
    open: () => fleet.open,
    reopenings: () => fleet.counts.opened - count,
    failures: () => Object.fromEntries(fleet.counts.failures),
    seen: jobs.seen,
  };
}

/** The jobs of the fleet, with when they came and how large they were. */
function watchJobs(): { answer: ReturnType<typeof openOfficialJobs>['answer']; seen(): JobsSeen } {
  const seen = { jobs: 0, firstJob: 0, lastJob: 0, lastAcknowledged: 0, job: 0 };
  let answers: number[] = [];
  const official = openOfficialJobs({
    acknowledged: () => {
      seen.lastAcknowledged = Date.now();
    },
  });
  /** Whose frames are measured: the first node that got a job. */
  let measured: string | undefined;
  return {
    answer(agent, frame) {
      if (frame.type !== FrameType.agentJob) return official.answer(agent, frame);
      const { nodeId, socket } = agent;
      seen.jobs++;
      seen.lastJob = Date.now();
      seen.firstJob ||= seen.lastJob;
      measured ??= nodeId;
      if (nodeId !== measured || !socket) return official.answer(agent, frame);
      seen.job = frame.payload.length + 120;
      answers = [];
      const send = socket.send as (bytes: Buffer) => void;
      socket.send = (bytes: Buffer) => {
        answers.push(bytes.length);
        send.call(socket, bytes);
      };
      official.answer(agent, frame);
      socket.send = send as typeof socket.send;
      return [];
    },
    seen() {
      const now = { ...seen, answers, acknowledged: official.counts.acknowledged };
      seen.firstJob = 0;
      return now;
    },
  };
}

function agentOf(number: number): SimulatedAgent {
  return { ...newAgent(number), nodeId: nodeId(number), fingerprint: '' };
}

/** The same with nothing to say: a handshake, a ping every 54 seconds, and some bytes for each message. */
async function openBare({ url, count, backOff, answers = [] }: Order): Promise<void> {
  const frames = answers.map((bytes) => Buffer.alloc(bytes, 120));
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
      socket.on('message', () => {
        for (const frame of frames) socket.send(frame);
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
  return {
    open: held?.open() ?? 0,
    reopenings: held?.reopenings() ?? 0,
    failures: held?.failures() ?? {},
    seen: held?.seen?.(),
  };
});
