/**
 * Flat cost: lists, filters and heartbeats at 1,000, 10,000 and 100,000 stored nodes, lists of as many commands, on
 * SQLite and on PostgreSQL, one call after the other. And a page of 50 beside moto's nearest call: its `DescribeInstanceInformation` fails.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorePlace } from '../packages/server/src/store/index.ts';
import { type ApiClient, openApiClient } from '../test/harness/api-client.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { facts, fill, nodeId, region } from './lib/books.ts';
import { startChild } from './lib/children.ts';
import { commandId, fillCommands } from './lib/command-books.ts';
import { openMint } from './lib/mint.ts';
import { hasMoto, noMoto, startMoto } from './lib/moto.ts';
import type { Ports } from './lib/place.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';

const sizes = small ? [1_000, 10_000] : [1_000, 10_000, 100_000];
const times = small ? 30 : 100;
const describe = 'ssm:DescribeInstanceInformation';
const listCommands = 'ssm:ListCommands';
const listInvocations = 'ssm:ListCommandInvocations';
const commandsThat = (key: string, value: string) => ({ MaxResults: 50, Filters: [{ key, value }] });
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
  'commands: a page of 50': [listCommands, { MaxResults: 50 }],
  'commands: 50 with Status Success': [listCommands, commandsThat('Status', 'Success')],
  'commands: 50 with Status Failed (5 %)': [listCommands, commandsThat('Status', 'Failed')],
  'commands: DeliveryTimedOut (2 %)': [listCommands, commandsThat('Status', 'DeliveryTimedOut')],
  'commands: the 20 InProgress': [listCommands, commandsThat('Status', 'InProgress')],
  'commands: none Cancelling': [listCommands, commandsThat('Status', 'Cancelling')],
  'commands: the 20 still Executing': [listCommands, commandsThat('ExecutionStage', 'Executing')],
  'commands: 50 of the usual document': [listCommands, commandsThat('DocumentName', 'AWS-RunShellScript')],
  'commands: the 40 of a rare document': [listCommands, commandsThat('DocumentName', 'AWS-RunRemoteScript')],
  'commands: those of one node': [listCommands, { MaxResults: 50, InstanceId: nodeId(77) }],
  'commands: one by its id': [listCommands, { CommandId: commandId(77) }],
  'invocations: a page of 50': [listInvocations, { MaxResults: 50 }],
  'invocations: 50 Failed (5 %)': [listInvocations, commandsThat('Status', 'Failed')],
  'invocations: those of one node': [listInvocations, { InstanceId: nodeId(77) }],
};

begin(
  'lists',
  `at ${sizes.map((size) => size.toLocaleString('en')).join(', ')} nodes and as many commands; milliseconds, one call at a time`,
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
  await fillCommands(where, size);
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
    const toAll = { CommandId: commandId(size), MaxResults: 50 };
    for (const [name, operation, first] of [
      ['commands: a page', listCommands, { MaxResults: 50 }],
      ['invocations: 50 of a command to all,', listInvocations, toAll],
    ] as const) {
      const deep = await pageBehind(admin, operation, first, Math.min(size / 2, 5_000));
      found.set(`${name} further on`, await time(() => admin.ask(operation, deep)));
    }
    const watch = { CommandId: commandId(size), After: size / 2 };
    found.set('100 results of it as they came', await time(() => admin.ask('rollcall:WatchCommand', watch)));
    found.set('a heartbeat', await time(() => node.ask('ssm:UpdateInstanceInformation', facts(77))));
    admin.close();
    node.close();
    return found;
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The question for the page behind so many. */
async function pageBehind(
  admin: ApiClient,
  operation: string,
  first: object,
  behind: number,
): Promise<object> {
  let question = first;
  for (let seen = 0; seen < behind; seen += 50) {
    const { NextToken } = await admin.ask(operation, question);
    question = { ...first, NextToken };
  }
  return question;
}

function table(name: string, bySize: readonly Map<string, number>[]): void {
  const ends = [bySize.at(-1)!, bySize[0]!] as const;
  note(
    `${name}:${' '.repeat(43 - name.length)}${sizes.map((size) => String(size).padStart(9)).join('')}   last : first`,
  );
  for (const question of bySize[0]!.keys()) {
    const row = bySize.map((found) => number(found.get(question)!).padStart(9)).join('');
    note(`  ${question.padEnd(44)}${row}   ${number(ends[0].get(question)! / ends[1].get(question)!)}`);
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
async function motoList(commands: number): Promise<{ took: number; bytes: number }> {
  const moto = await startMoto();
  try {
    for (let index = 0; index < commands; index++) {
      const sent = await moto.call('SendCommand', {
        DocumentName: 'AWS-RunShellScript',
        InstanceIds: [nodeId(index)],
      });
      if (sent.status !== 200) throw new Error(`moto_server answered ${sent.status}`);
    }
    const took: number[] = [];
    let bytes = 0;
    for (let index = 0; index < 7; index++) {
      const begun = performance.now();
      bytes = (await moto.call('ListCommands', { MaxResults: 50 })).bytes;
      took.push(performance.now() - begun);
    }
    return { took: median(took), bytes };
  } finally {
    moto.stop();
  }
}

if (hasMoto()) {
  const commands = small ? 500 : 3_000;
  const { took, bytes } = await motoList(commands);
  const against = `moto_server ListCommands, page of 50 of ${commands} (${number(bytes / 1024)} KiB: it answers all)`;
  for (const [what, question] of [
    ['a page of 50 of 10,000 nodes, on SQLite', 'a page of 50'],
    ['a page of 50 of 10,000 commands, on SQLite', 'commands: a page of 50'],
  ] as const) {
    compare({
      what,
      ours: 1000 / sqlite[1]!.get(question)!,
      peer: 1000 / took,
      unit: 'calls/s',
      against,
      atLeast: small ? 50 : 500,
    });
  }
} else note(`${noMoto}: no comparison of pages`);
