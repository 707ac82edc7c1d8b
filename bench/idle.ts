/**
 * What an idle node costs: memory and processor time of one server that holds thousands of control channels, against
 * as many websockets of a bare `ws` server. The product serves TLS only; the same over plain sockets, through
 * a door that is made here, tells how much of it is TLS.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './lib/children.ts';
import { makePlace, type Place } from './lib/place.ts';
import { begin, compare, limit, small } from './lib/report.ts';

const nodes = small ? 1_000 : 15_000;
/** How long they are left alone, in seconds; the server's lease and the pings fall into it. */
const quiet = small ? 10 : 60;
const perClient = 9_000;
const first = Math.round(nodes / 3);

begin('idle', `${nodes} nodes in one server process, each with a control channel`);

interface Idle {
  /** Bytes for each further node, and processor time over time. */
  readonly memory: number;
  readonly cpu: number;
}

async function measure(place: Place, kind: 'rollcall' | 'bare', tls: boolean): Promise<Idle> {
  const server = await place.server(kind);
  const url = tls ? `https://localhost:${server.ports.tls}` : `http://localhost:${server.ports.plain}`;
  const clients: Child[] = [];
  const open = async (from: number, count: number) => {
    const client = await place.client('agents.ts', [kind, place.data]);
    clients.push(client);
    // A machine at rest has no other connection: those for calls are closed when they were idle for a minute.
    await client.ask({ url, from, count, connections: 32 });
  };
  // What the first of them cost is for the most part the server's own: code, caches, a heap that grew.
  await open(0, first);
  await server.ask({ tidy: true });
  const before = server.memory();
  for (let from = first; from < nodes; from += perClient) await open(from, Math.min(perClient, nodes - from));
  await sleep(3_000);
  const cpuBefore = server.cpu();
  await sleep(quiet * 1000);
  const cpu = (server.cpu() - cpuBefore) / quiet;
  await server.ask({ tidy: true });
  const memory = (server.memory() - before) / (nodes - first);
  for (const client of clients) {
    const { open, reopenings } = await client.ask<{ open: number; reopenings: number }>({});
    if (open === 0 || reopenings > 0) throw new Error(`${kind}: ${reopenings} channels were opened again`);
    await client.stop();
  }
  await server.stop();
  return { memory, cpu };
}

const place = await makePlace(nodes);
try {
  for (const tls of [true, false]) {
    const ours = await measure(place, 'rollcall', tls);
    const bare = await measure(place, 'bare', tls);
    const way = tls ? 'TLS' : 'plain sockets';
    const kib = (bytes: number) => bytes / 1024;
    compare({
      what: `memory for each further node, ${way}`,
      ours: kib(ours.memory),
      peer: kib(bare.memory),
      unit: 'KiB',
      against: 'bare ws',
      ...(tls && { atMost: 1.25 }),
    });
    if (!tls) limit(`memory for each further node, ${way}`, kib(ours.memory), 'KiB', 24);
    compare({
      what: `processor, ${way}`,
      ours: ours.cpu * 100,
      peer: bare.cpu * 100,
      unit: '% of one core',
      against: 'bare ws',
    });
    if (tls) limit(`processor, ${way}`, ours.cpu * 100, '% of one core', 5);
  }
} finally {
  await place.clear();
}
