/**
 * Heartbeats a second: signed, authorised, on disk before they are answered, each from another node. Against
 * a bare `node:http` and `node:https` server that answers the same bytes; either server has one core, and the load
 * comes from another process on another core. `--profile FILE` writes a CPU profile of the server.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { facts, nodeId } from './lib/books.ts';
import type { Child } from './lib/children.ts';
import type { LoadResult } from './lib/load.ts';
import { openMint } from './lib/mint.ts';
import { makePlace } from './lib/place.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';
import { pack, requestBytes } from './lib/requests.ts';

const nodes = small ? 2_000 : 20_000;
const rounds = small ? 3 : 5;
const seconds = small ? 2 : 5;
const connections = 64;
const profileAt = process.argv.indexOf('--profile');
const profile = profileAt < 0 ? undefined : process.argv[profileAt + 1];

/** One server under load. */
interface Measured extends LoadResult {
  /** Microseconds of the server's CPU time, all threads, for each request. */
  readonly cpu: number;
  readonly busyServer: number;
}

begin(
  'heartbeat',
  `UpdateInstanceInformation from ${nodes} nodes, ${connections} connections, servers on one core`,
);
const place = await makePlace(nodes);
try {
  const rollcall = await place.server('rollcall');
  const bare = await place.server('bare');
  const [ours, theirs] = [rollcall.ports, bare.ports];
  const requests = join(place.folder, 'requests');
  const load = await place.client('load.ts', [requests, join(place.data, 'ca.crt')]);

  const sign = await signer();
  const measure = async (server: Child, port: number, tls: boolean): Promise<Measured> => {
    const before = server.cpu();
    const found = await load.ask<LoadResult>({ port, tls, connections, seconds });
    const spent = server.cpu() - before;
    if (found.refused > 0) throw new Error(`${found.refused} were refused: ${found.refusal}`);
    return { ...found, cpu: (spent / found.done) * 1e6, busyServer: spent / (found.done / found.perSecond) };
  };

  const all = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    // Signatures are good for five minutes.
    writeFileSync(requests, sign(ours.tls));
    await load.ask({ read: true });
    // Each node's first heartbeat writes what it says of itself; those that are counted are as any other.
    if (round === 0) {
      const warm = await load.ask<LoadResult>({
        port: ours.tls,
        tls: true,
        connections,
        requests: nodes * 2,
      });
      if (warm.refused > 0) throw new Error(`${warm.refused} were refused: ${warm.refusal}`);
    }
    if (round === 1 && profile !== undefined) await rollcall.ask({ profile: 'start' });
    for (const tls of [true, false]) {
      const way = tls ? 'https' : 'http';
      keep(`bare ${way}`, await measure(bare, tls ? theirs.tls : theirs.plain, tls));
      keep(`ours ${way}`, await measure(rollcall, tls ? ours.tls : ours.plain, tls));
    }
    if (round === 1 && profile !== undefined) await rollcall.ask({ profile });
  }
  function keep(name: string, one: Measured): void {
    all.set(name, [...(all.get(name) ?? []), one]);
  }

  const middle = (name: string, of: keyof Measured) => median(all.get(name)!.map((one) => Number(one[of])));
  for (const way of ['https', 'http']) {
    const against = `bare node:${way}`;
    compare({
      what: `heartbeats over ${way === 'https' ? 'TLS' : 'plain HTTP'}`,
      ours: middle(`ours ${way}`, 'perSecond'),
      peer: middle(`bare ${way}`, 'perSecond'),
      unit: 'req/s',
      against,
      atLeast: 0.25,
    });
    compare({
      what: `  CPU for each`,
      ours: middle(`ours ${way}`, 'cpu'),
      peer: middle(`bare ${way}`, 'cpu'),
      unit: 'µs',
      against,
      atMost: 4,
    });
    const latency = (name: string) =>
      `p50 ${number(middle(name, 'p50'))} ms, p99 ${number(middle(name, 'p99'))} ms`;
    note(`  latency: ${latency(`ours ${way}`)} · bare: ${latency(`bare ${way}`)}`);
    note(
      `  busy, of one core: ours ${percent(middle(`ours ${way}`, 'busyServer'))} (load ${percent(middle(`ours ${way}`, 'busy'))}), ` +
        `bare ${percent(middle(`bare ${way}`, 'busyServer'))} (load ${percent(middle(`bare ${way}`, 'busy'))})`,
    );
  }
} finally {
  await place.clear();
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Makes the function that signs one heartbeat of each node, with credentials as the server issues them. */
async function signer(): Promise<(port: number) => Buffer> {
  const mint = await openMint(place.data);
  const credentials = Array.from({ length: nodes }, (_, index) => mint(nodeId(index)));
  // Nodes report in no order; neighbours in the books would share pages on the disk.
  const order = credentials.map((one, index) => ({ one, index, place: Math.random() }));
  order.sort((a, b) => a.place - b.place);
  return (port) => {
    const at = Date.now();
    return pack(
      order.map(({ one, index }) =>
        requestBytes({
          port,
          target: 'AmazonSSM.UpdateInstanceInformation',
          body: JSON.stringify(facts(index)),
          credentials: one,
          userAgent: 'aws-sdk-go/1.51.20 (go1.21.13; linux; amd64) amazon-ssm-agent/3.3.0.0',
          at,
        }),
      ),
    );
  };
}
