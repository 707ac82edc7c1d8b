/**
 * The server dies (`kill -9`) under thousands of connected agents and is started again: how long until every
 * control channel is open again, against a bare TLS `ws` server that dies in the same way. Each agent makes two
 * connections of its own, one to ask for a token and the websocket; the bare server's clients make one. All try
 * again within a second instead of the official agent's 5 to 15, so that the server is what is measured. Meanwhile
 * somebody keeps asking which nodes are lost: none may ever be.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, openApiClient } from '../test/harness/api-client.ts';
import { nodeId, region } from './lib/books.ts';
import { makePlace, type Place } from './lib/place.ts';
import { begin, compare, limit, median, note, number, quantile, small } from './lib/report.ts';

const nodes = small ? 500 : 8_000;
const rounds = small ? 1 : 3;
const backOff = { first: 200, cap: 1_000 };

interface Clients {
  readonly open: number;
  readonly reopenings: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** What one storm came to; times in milliseconds since the old server was killed. */
interface Storm {
  readonly all: number;
  /** The new server's processor time, in milliseconds, until all were back. */
  readonly cpu: number;
  readonly mostFiles: number;
}

begin('storm', `kill -9 under ${nodes} connected agents, on one core`);

async function storm(place: Place, kind: 'rollcall' | 'bare', watch?: Watch): Promise<Storm[]> {
  let server = await place.server(kind);
  const { ports } = server;
  const url = `https://localhost:${ports.tls}`;
  const clients = await place.client('agents.ts', [kind, place.data]);
  await clients.ask({ url, from: 0, count: nodes, backOff });
  const storms: Storm[] = [];
  for (let round = 0; round < rounds; round++) {
    const killed = performance.now();
    await server.stop();
    while ((await clients.ask<Clients>({})).open > 0) await sleep(20);
    server = await place.server(kind, ports);
    const watching = watch?.(place, url);
    let mostFiles = 0;
    let state = await clients.ask<Clients>({});
    while (state.open < nodes) {
      if (performance.now() - killed > 240_000) throw new Error(`only ${state.open} of ${nodes} came back`);
      mostFiles = Math.max(mostFiles, server.files());
      await sleep(20);
      state = await clients.ask<Clients>({});
    }
    storms.push({
      all: performance.now() - killed,
      cpu: server.cpu() * 1000,
      mostFiles,
    });
    await watching?.();
  }
  const { failures } = await clients.ask<Clients>({});
  note(`${kind === 'bare' ? 'bare ws' : 'agents'}, failed attempts: ${JSON.stringify(failures)}`);
  await clients.stop();
  await server.stop();
  return storms;
}

/** Begins to watch; what it answers ends that. */
type Watch = (place: Place, url: string) => () => Promise<void>;

const latencies: number[] = [];
let falselyLost = 0;
let unanswered = 0;

/** Asks for lost nodes again and again, and in the end for all of them. */
const watchList: Watch = (place, url) => {
  const ca = readFileSync(join(place.data, 'ca.crt'), 'utf8');
  const found = JSON.parse(readFileSync(join(place.data, 'connection.json'), 'utf8'));
  const admin = openApiClient({ url, ca, region, credentials: found });
  let over = false;
  const watching = (async () => {
    while (!over) {
      const asked = performance.now();
      const filter = { Key: 'PingStatus', Values: ['ConnectionLost', 'Inactive'] };
      await admin.ask('ssm:DescribeInstanceInformation', { Filters: [filter] }).then(
        (list) => {
          latencies.push(performance.now() - asked);
          falselyLost = Math.max(falselyLost, list.InstanceInformationList.length);
        },
        () => void unanswered++,
      );
      await sleep(100);
    }
    await checkAll(admin);
  })();
  return async () => {
    over = true;
    await watching;
    admin.close();
  };
};

async function checkAll(admin: ApiClient): Promise<void> {
  const listed = new Set<string>();
  let token: string | undefined;
  do {
    const page = await admin.ask('ssm:DescribeInstanceInformation', {
      MaxResults: 50,
      ...(token && { NextToken: token }),
    });
    for (const node of page.InstanceInformationList) {
      if (listed.has(node.InstanceId)) throw new Error(`${node.InstanceId} is listed twice`);
      if (node.PingStatus !== 'Online') throw new Error(`${node.InstanceId} is ${node.PingStatus}`);
      listed.add(node.InstanceId);
    }
    token = page.NextToken;
  } while (token !== undefined);
  if (listed.size !== nodes) throw new Error(`${listed.size} of ${nodes} nodes are listed`);
  for (const index of [0, nodes >> 1, nodes - 1]) {
    const { Status } = await admin.ask('ssm:GetConnectionStatus', { Target: nodeId(index) });
    if (Status !== 'connected') throw new Error(`${nodeId(index)} is ${Status}`);
  }
}

const place = await makePlace(nodes, { lost: false });
try {
  const ours = await storm(place, 'rollcall', watchList);
  const bare = await storm(place, 'bare');
  const middle = (storms: Storm[], of: keyof Storm) => median(storms.map((one) => one[of]));
  compare({
    what: 'from the kill until all are connected again',
    ours: middle(ours, 'all') / 1000,
    peer: middle(bare, 'all') / 1000,
    unit: 's',
    against: 'bare ws over TLS',
    atMost: 3,
  });
  compare({
    what: 'processor time for each',
    ours: middle(ours, 'cpu') / nodes,
    peer: middle(bare, 'cpu') / nodes,
    unit: 'ms',
    against: 'bare ws over TLS',
    atMost: 3,
  });
  note(`nodes lost: 0 of ${nodes}, each listed once and Online; falsely lost meanwhile: ${falselyLost}`);
  limit('open files of the server, at most', middle(ours, 'mostFiles'), 'files', 20_000);
  const sorted = latencies.sort((a, b) => a - b);
  note(
    `the list meanwhile: ${sorted.length} times answered, ${unanswered} times not, p50 ${number(quantile(sorted, 0.5))} ms, ` +
      `longest ${number(sorted.at(-1)!)} ms`,
  );
  if (falselyLost > 0) throw new Error('A connected node was listed as lost.');
} finally {
  await place.clear();
}
