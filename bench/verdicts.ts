/**
 * Why a machine isn't in the list, at 100,000 nodes and full books of knocks; and why --all for 10,000 machines of
 * which a tenth, or all, are missing, beside as many nodes and beside all. Asked over the wire of a server of its own,
 * one call after the other.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openStore, type Store, type StorePlace } from '../packages/server/src/store/index.ts';
import { openApiClient } from '../test/harness/api-client.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { fillStore, nodeId, region } from './lib/books.ts';
import { startChild } from './lib/children.ts';
import type { Ports } from './lib/place.ts';
import { begin, compare, limit, median, note, number, quantile, small } from './lib/report.ts';

const nodes = small ? 10_000 : 100_000;
const machines = small ? 2_000 : 10_000;
const known = small ? 10_000 : 100_000;
const strangers = small ? 1_000 : 10_000;
const times = small ? 10 : 30;

begin(
  'verdicts',
  `${nodes.toLocaleString('en')} nodes, ${known.toLocaleString('en')} knocks of known and ${strangers.toLocaleString('en')} of strangers`,
);

/** Fills both rooms of the door: eight reasons for some nodes, one address for many, and strangers. */
async function fillKnocks(store: Store): Promise<void> {
  const now = Date.now();
  const reasons = [
    'signature-expired',
    'unknown-node',
    'expired-token',
    'revoked-token',
    'fingerprint-changed',
    'node-signature-mismatch',
    'throttled',
    'signature-mismatch',
  ];
  const row = (room: 'known' | 'stranger', index: number) => {
    const address =
      room === 'known' && index % 2 === 0
        ? '203.0.113.9'
        : `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
    return {
      room,
      source: `${address}/32`,
      claim: room === 'known' ? nodeId(index >> 3) : '',
      reason: room === 'known' ? reasons[index & 7]! : `reset-after-certificate`,
      first_at: now - 7_200_000,
      last_at: now - (index % 3_600_000),
      count: 12,
      address,
      layer: 'signature',
      client: 'amazon-ssm-agent/3.3.0.0',
      server_name: null,
      region,
      detail: null,
    };
  };
  for (const [room, count] of [
    ['known', known],
    ['stranger', strangers],
  ] as const) {
    for (let from = 0; from < count; from += 1_000) {
      const rows = Array.from({ length: Math.min(1_000, count - from) }, (_, at) => row(room, from + at));
      await store.write((tx) =>
        tx.everywhere
          .insertInto('knocks')
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
    }
  }
}

/** Milliseconds of each of some calls. */
async function took(count: number, call: (index: number) => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index++) {
    const begun = performance.now();
    await call(index);
    all.push(performance.now() - begun);
  }
  return all;
}

type Ask = (subject: string) => Promise<unknown>;

async function askWhy(name: string, why: Ask, byId: Ask): Promise<void> {
  const [first] = await took(1, () => why(nodeId(9)));
  const say = (what: string, all: readonly number[]) => {
    limit(`${name}, why: ${what}, median of ${all.length}`, median(all), 'ms', 300);
    note(`${name}, why: ${what}, the slowest: ${number(Math.max(...all))} ms`);
  };
  note(
    `${name}: the first question of a server: ${number(first!)} ms (loads the judge, and looks at the fleet)`,
  );
  await pause();
  const [later] = await took(1, () => why(nodeId(19)));
  limit(`${name}, why: the first question after a while`, later!, 'ms', 300);
  const well = await took(times, (index) => why(nodeId(index * 10)));
  say('by id, well', well);
  compare({
    what: `${name}, why by id, median of ${times}`,
    ours: median(well),
    peer: median(await took(times, (index) => byId(nodeId(index * 10)))),
    unit: 'ms',
    against: 'DescribeInstanceInformation by id',
  });
  say('by id, lost and refused', await took(times, (index) => why(nodeId(index * 10 + 9))));
  say('by name', await took(times, (index) => why(`machine-${index * 7 + 1}`)));
  say('by address', await took(times, (index) => why(`10.0.${index}.77`)));
  say('the way out of many', await took(times, () => why('203.0.113.9')));
  say('nobody', await took(times, (index) => why(`nobody-${index}`)));
}

/** What is kept of the last question is forgotten by then. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 11_000));

/** How long others wait for an answer by id, one call after another, while something is worked on. */
async function besides(byId: Ask, work: () => Promise<unknown>): Promise<number[]> {
  const waits: number[] = [];
  let isOver = false;
  const asking = (async () => {
    for (let index = 0; !isOver; index++) waits.push(...(await took(1, () => byId(nodeId(index)))));
  })();
  try {
    await work();
  } finally {
    isOver = true;
    await asking;
  }
  return waits.sort((a, b) => a - b);
}

async function measure(name: string, count: number, postgres: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const where: StorePlace =
    postgres === undefined ? { kind: 'sqlite', directory: data } : { kind: 'postgres', url: postgres };
  const store = await openStore(where);
  await fillStore(store, count);
  await fillKnocks(store);
  await store.close();
  const env = postgres === undefined ? {} : { BENCH_POSTGRES: postgres };
  const server = await startChild(join(import.meta.dirname, 'lib/doors.ts'), ['rollcall', data], { env });
  try {
    const { tls } = await server.ask<Ports>({});
    const url = `https://localhost:${tls}`;
    const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
    const connection = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
    const admin = openApiClient({ url, ca, region, credentials: connection });
    const why = (Subject: string) => admin.ask('rollcall:Why', { Subject });
    const neighbour = openApiClient({ url, ca, region, credentials: connection });
    const byId = (id: string) =>
      neighbour.ask('ssm:DescribeInstanceInformation', { Filters: [{ Key: 'InstanceIds', Values: [id] }] });
    await byId(nodeId(0));
    if (count === nodes) await askWhy(name, why, byId);

    // Machines: nine in ten are nodes, the others never came.
    const list = (missingFrom: number) =>
      [
        'name,ip',
        ...Array.from({ length: machines }, (_, index) => {
          const there = index < missingFrom;
          return there ? `machine-${index},` : `new-${index},10.200.${index >> 8}.${index & 255}`;
        }),
      ].join('\n');
    for (const [what, from] of [
      ['a tenth missing, a tenth lost', Math.floor(machines * 0.9)],
      ['all missing', 0],
    ] as const) {
      const Data = gzipSync(list(from)).toString('base64');
      const [imported] = await took(1, () =>
        admin.ask('rollcall:ImportRoster', { Source: 'bench', Format: 'csv', Data, RetireMost: true }),
      );
      note(`${name}: import of ${machines.toLocaleString('en')} machines: ${number(imported!)} ms`);
      const all: number[] = [];
      for (let round = 0; round < 3; round++) {
        await pause();
        all.push(...(await took(1, () => admin.ask('rollcall:WhyAll', {}))));
      }
      const whole = await admin.ask('rollcall:WhyAll', {});
      note(`${name}: ${JSON.stringify(whole.Counts)}`);
      const sentence = `${name}, why --all: ${machines.toLocaleString('en')} machines, ${what}, beside ${count.toLocaleString('en')} nodes`;
      // What is aimed at is of so many machines; beside ten times as many nodes it is only said.
      if (count === machines) limit(sentence, median(all), 'ms', 2_000);
      else note(`${sentence}: ${number(median(all))} ms`);
    }
    await pause();
    const waits = await besides(byId, () => admin.ask('rollcall:WhyAll', {}));
    note(
      `${name}, meanwhile others, by id, ${waits.length} calls: median ${number(median(waits))} ms, p90 ${number(quantile(waits, 0.9))} ms, the longest ${number(waits.at(-1)!)} ms`,
    );
    const pick = { DocumentName: 'AWS-RunShellScript' };
    note(
      `${name}: who can be picked: ${number(median(await took(5, () => admin.ask('rollcall:ListPickable', pick))))} ms`,
    );
    admin.close();
    neighbour.close();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const count of [machines, nodes]) await measure('SQLite', count, undefined);
const server = await startPostgres();
try {
  for (const count of [machines, nodes]) await measure('PostgreSQL', count, await server.createDatabase());
} finally {
  await server.stop();
}
