/**
 * Flat cost: lists, filters and heartbeats at 1,000, 10,000 and 100,000 stored nodes, on SQLite and on PostgreSQL, one
 * call after the other. And a page of 50 beside moto's nearest call: its `DescribeInstanceInformation` fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signRequest } from '@rollcall/wire';
import type { StorePlace } from '../packages/server/src/store/index.ts';
import { openApiClient } from '../test/harness/api-client.ts';
import { freePort } from '../test/harness/server.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { facts, fill, nodeId, region } from './lib/books.ts';
import { startChild } from './lib/children.ts';
import { openMint } from './lib/mint.ts';
import type { Ports } from './lib/place.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';

const sizes = small ? [1_000, 10_000] : [1_000, 10_000, 100_000];
const times = small ? 30 : 100;
const describe = 'ssm:DescribeInstanceInformation';
const filtered = (Key: string, value: string) => ({ MaxResults: 50, Filters: [{ Key, Values: [value] }] });

/** What is asked, and of how many nodes the answer is at every size. */
const questions: Readonly<Record<string, readonly [operation: string, input: object]>> = {
  'a page of 50': [describe, { MaxResults: 50 }],
  '50 with a tag that every tenth has': [describe, filtered('tag:Ring', 'early')],
  '40 with a tag that only they have': [describe, filtered('tag:Rack', 'rack-7')],
  '50 that run Windows (9 %)': [describe, filtered('PlatformType', 'Windows')],
  '50 that are Online': [describe, filtered('PingStatus', 'Online')],
  'none that match': [describe, filtered('PingStatus', 'Inactive')],
  'one by its id': [describe, filtered('InstanceIds', nodeId(77))],
  'our own list of 100, with totals': ['rollcall:ListNodes', {}],
};

begin(
  'lists',
  `at ${sizes.map((size) => size.toLocaleString('en')).join(', ')} nodes; milliseconds, one call at a time`,
);

/** The median of some calls, in milliseconds. */
async function time(call: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let index = 0; index < times + 5; index++) {
    const begun = performance.now();
    await call();
    // The first few compile and fill caches.
    if (index >= 5) took.push(performance.now() - begun);
  }
  return median(took);
}

/** Everything that is asked at one size; by question. */
async function measure(size: number, postgres: string | undefined): Promise<Map<string, number>> {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const where: StorePlace =
    postgres === undefined ? { kind: 'sqlite', directory: data } : { kind: 'postgres', url: postgres };
  await fill(where, size);
  const env = postgres === undefined ? {} : { BENCH_POSTGRES: postgres };
  const server = await startChild(join(import.meta.dirname, 'lib/doors.ts'), ['rollcall', data], { env });
  try {
    const { tls } = await server.ask<Ports>({});
    const url = `https://localhost:${tls}`;
    const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
    const connection = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
    const admin = openApiClient({ url, ca, region, credentials: connection });
    const mint = await openMint(data);
    const node = openApiClient({ url, ca, region, credentials: mint(nodeId(77)) });
    const found = new Map<string, number>();
    for (const [name, [operation, input]] of Object.entries(questions)) {
      found.set(name, await time(() => admin.ask(operation, input)));
    }
    found.set('a heartbeat', await time(() => node.ask('ssm:UpdateInstanceInformation', facts(77))));
    admin.close();
    node.close();
    return found;
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function table(name: string, bySize: readonly Map<string, number>[]): void {
  const ends = [bySize.at(-1)!, bySize[0]!] as const;
  note(
    `${name}:${' '.repeat(34 - name.length)}${sizes.map((size) => String(size).padStart(9)).join('')}   last : first`,
  );
  for (const question of bySize[0]!.keys()) {
    const row = bySize.map((found) => number(found.get(question)!).padStart(9)).join('');
    note(
      `  ${question.padEnd(36).slice(0, 36)}${row}   ${number(ends[0].get(question)! / ends[1].get(question)!)}`,
    );
  }
}

const sqlite: Map<string, number>[] = [];
for (const size of sizes) sqlite.push(await measure(size, undefined));
table('SQLite', sqlite);
const server = await startPostgres();
try {
  const postgres: Map<string, number>[] = [];
  for (const size of sizes) postgres.push(await measure(size, await server.createDatabase()));
  table('PostgreSQL', postgres);
} finally {
  await server.stop();
}

/** Milliseconds of moto's ListCommands, after it was given this many commands. */
async function moto(commands: number): Promise<{ took: number; bytes: number }> {
  const port = await freePort();
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  const agent = new http.Agent({ keepAlive: true });
  const call = (name: string, input: object): Promise<{ status: number; bytes: number }> =>
    new Promise((done, failed) => {
      const body = JSON.stringify(input);
      const url = `http://127.0.0.1:${port}/`;
      const headers = signRequest({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonSSM.${name}` },
        body,
        credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
        region,
        service: 'ssm',
        at: Date.now(),
      });
      const request = http.request(url, { method: 'POST', headers, agent }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => done({ status: response.statusCode ?? 0, bytes }));
      });
      request.on('error', failed);
      request.end(body);
    });
  try {
    for (let tries = 0; ; tries++) {
      const up = await call('ListCommands', {}).catch(() => undefined);
      if (up) break;
      if (tries > 300) throw new Error('moto_server did not start');
      await sleep(50);
    }
    for (let index = 0; index < commands; index++) {
      const sent = await call('SendCommand', {
        DocumentName: 'AWS-RunShellScript',
        InstanceIds: [nodeId(index)],
      });
      if (sent.status !== 200) throw new Error(`moto_server answered ${sent.status}`);
    }
    const took: number[] = [];
    let bytes = 0;
    for (let index = 0; index < 7; index++) {
      const begun = performance.now();
      bytes = (await call('ListCommands', { MaxResults: 50 })).bytes;
      took.push(performance.now() - begun);
    }
    return { took: median(took), bytes };
  } finally {
    agent.destroy();
    child.kill('SIGKILL');
  }
}

if (spawnSync('python3', ['-c', 'import moto.server']).status === 0) {
  const commands = small ? 500 : 3_000;
  const { took, bytes } = await moto(commands);
  compare({
    what: 'a page of 50 of 10,000, on SQLite',
    ours: 1000 / sqlite[1]!.get('a page of 50')!,
    peer: 1000 / took,
    unit: 'calls/s',
    against: `moto_server ListCommands, page of 50 of ${commands} (${number(bytes / 1024)} KiB: it answers all)`,
    atLeast: small ? 50 : 500,
  });
} else note('moto_server is not at hand (python3 -m moto.server): no comparison of pages');
