/**
 * One command to thousands of nodes: from the call of `SendCommand` until the last result is on disk and shown,
 * against a bare `ws` server that sends as many bytes to as many sockets of such clients, and hears as many
 * frames of the same sizes. Both over TLS; either server has one core, and its clients the other. `--profile FILE`
 * writes a CPU profile of our server at the largest size, and shows where its time goes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, openApiClient } from '../test/harness/api-client.ts';
import type { JobsSeen } from './lib/agents.ts';
import { region } from './lib/books.ts';
import type { Child } from './lib/children.ts';
import { makePlace, type Place } from './lib/place.ts';
import { hottest } from './lib/profile.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';

const sizes = small ? [200, 1_000] : [1_000, 5_000, 15_000];
const rounds = small ? 3 : 5;
const perClient = 8_000;
/** The official agent's reports that are acknowledged: of the step, and of the whole. */
const reports = 2;
const profileAt = process.argv.indexOf('--profile');
const profile = profileAt < 0 ? undefined : process.argv[profileAt + 1];

/** A server with all its clients. */
interface Party {
  readonly server: Awaited<ReturnType<Place['server']>>;
  readonly clients: Child[];
}

/** One round; milliseconds, and seconds of processor time. */
interface Round {
  readonly took: number;
  readonly server: number;
  readonly clients: number;
}

/** Times since the call; until the command was taken, the first and last node had it, the last report was acknowledged. */
interface OurRound extends Round {
  readonly admitted: number;
  readonly firstJob: number;
  readonly lastJob: number;
  readonly lastAcknowledged: number;
  readonly job: number;
  readonly answers: readonly number[];
}

begin('fan-out', `one command to ${sizes.map((size) => size.toLocaleString('en')).join(', ')} nodes`);

async function gather(place: Place, kind: 'rollcall' | 'bare', nodes: number, answers: readonly number[]) {
  const server = await place.server(kind);
  const url = `https://localhost:${server.ports.tls}`;
  const clients: Child[] = [];
  for (let from = 0; from < nodes; from += perClient) {
    const client = await place.client('agents.ts', [kind, place.data]);
    clients.push(client);
    const count = Math.min(perClient, nodes - from);
    await client.ask({ url, from, count, connections: 32, quiet: true, answers });
  }
  await sleep(1_000);
  return { server, clients };
}

function administrator(place: Place, { server }: Party): ApiClient {
  const ca = readFileSync(join(place.data, 'ca.crt'), 'utf8');
  const credentials = JSON.parse(readFileSync(join(place.data, 'connection.json'), 'utf8'));
  return openApiClient({ url: `https://localhost:${server.ports.tls}`, ca, region, credentials });
}

/** Processor time of the server and of its clients while this goes on. */
async function watched<T>({ server, clients }: Party, work: () => Promise<T>): Promise<T & Round> {
  const cpu = () => clients.reduce((sum, client) => sum + client.cpu(), 0);
  const before = [server.cpu(), cpu()] as const;
  const begun = performance.now();
  const done = await work();
  const took = performance.now() - begun;
  return { took, ...done, server: server.cpu() - before[0], clients: cpu() - before[1] };
}

async function sendToAll(party: Party, admin: ApiClient, nodes: number): Promise<OurRound> {
  const acknowledgedBefore = await acknowledged(party);
  let commandId = '';
  let admitted = 0;
  const calledAt = Date.now();
  const { took, server, clients } = await watched(party, async () => {
    const begun = performance.now();
    const { Command } = await admin.ask('ssm:SendCommand', {
      DocumentName: 'AWS-RunShellScript',
      Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
      MaxConcurrency: '100%',
      MaxErrors: '100%',
      Parameters: { commands: ['true'] },
    });
    commandId = Command.CommandId;
    admitted = performance.now() - begun;
    for (;;) {
      // Answers when one more than all others has ended: the last.
      const seen = await admin.ask('rollcall:WatchCommand', {
        CommandId: commandId,
        After: nodes - 1,
        WaitSeconds: 20,
      });
      if (seen.Finished.length > 0) return {};
    }
  });
  const { Commands } = await admin.ask('ssm:ListCommands', { CommandId: commandId });
  const { Status, TargetCount, CompletedCount, ErrorCount } = Commands[0];
  if (Status !== 'Success' || TargetCount !== nodes || CompletedCount !== nodes || ErrorCount !== 0)
    throw new Error(`the command is ${JSON.stringify({ Status, TargetCount, CompletedCount, ErrorCount })}`);
  const seen = await allAcknowledged(party, acknowledgedBefore + reports * nodes);
  const since = (at: number) => at - calledAt;
  return {
    took,
    server,
    clients,
    admitted,
    firstJob: since(Math.min(...seen.map((one) => one.firstJob))),
    lastJob: since(Math.max(...seen.map((one) => one.lastJob))),
    lastAcknowledged: since(Math.max(...seen.map((one) => one.lastAcknowledged))),
    job: seen[0]!.job,
    answers: seen[0]!.answers,
  };
}

async function seenBy({ clients }: Party): Promise<JobsSeen[]> {
  return Promise.all(clients.map(async (client) => (await client.ask<{ seen: JobsSeen }>({})).seen));
}

async function acknowledged(party: Party): Promise<number> {
  return (await seenBy(party)).reduce((sum, one) => sum + one.acknowledged, 0);
}

/** Waits for the acknowledgements that are still under way; the first look holds the times of the jobs. */
async function allAcknowledged(party: Party, count: number): Promise<JobsSeen[]> {
  const first = await seenBy(party);
  for (let tries = 0; ; tries++) {
    const now = tries === 0 ? first : await seenBy(party);
    if (now.reduce((sum, one) => sum + one.acknowledged, 0) >= count)
      return now.map((one, index) => ({ ...one, firstJob: first[index]!.firstJob }));
    if (tries > 1_000)
      throw new Error(`Reports were never acknowledged: ${JSON.stringify(now)}, not ${count}`);
    await sleep(10);
  }
}

function sayRounds(nodes: number, ours: readonly OurRound[], bare: readonly Round[]): void {
  const of = (name: keyof OurRound) => median(ours.map((one) => Number(one[name])));
  const theirs = (name: keyof Round) => median(bare.map((one) => one[name]));
  const name = `${nodes.toLocaleString('en')} nodes`;
  compare({
    what: `${name}, until the last result is shown`,
    ours: of('took') / 1000,
    peer: theirs('took') / 1000,
    unit: 's',
    against: 'bare ws over TLS, nothing kept',
    atMost: 4,
  });
  note(
    `  rounds, ms: ours ${ours.map((one) => Math.round(one.took)).join(', ')} · bare ${bare.map((one) => Math.round(one.took)).join(', ')}`,
  );
  note(
    `  ms since the call: taken ${number(of('admitted'))}, first node has it ${number(of('firstJob'))}, last ${number(of('lastJob'))}, ` +
      `last result shown ${number(of('took'))}, last report acknowledged ${number(of('lastAcknowledged'))}`,
  );
  const perNode = (seconds: number) => number((seconds / nodes) * 1e6);
  note(
    `  µs of processor time for each node: server ${perNode(of('server'))} (bare ${perNode(theirs('server'))}), ` +
      `clients ${perNode(of('clients'))} (bare ${perNode(theirs('clients'))})`,
  );
  const busy = (seconds: number, took: number) => `${Math.round((seconds / took) * 1e5)} %`;
  note(
    `  busy, of one core: server ${busy(of('server'), of('took'))} (bare ${busy(theirs('server'), theirs('took'))}), ` +
      `clients ${busy(of('clients'), of('took'))} (bare ${busy(theirs('clients'), theirs('took'))})`,
  );
}

async function measure(nodes: number): Promise<void> {
  const place = await makePlace(nodes, { lost: false, linuxOnly: true });
  try {
    const ours = await gather(place, 'rollcall', nodes, []);
    const admin = administrator(place, ours);
    const restBefore = ours.server.memory();
    // The first one compiles; it also says how large frames are.
    const { job, answers } = await sendToAll(ours, admin, nodes);
    const bare = await gather(place, 'bare', nodes, answers);
    const broadcast = () =>
      watched(bare, () => bare.server.ask<{ took: number }>({ bytes: job, answers: answers.length }));
    await broadcast();
    const found: { ours: OurRound[]; bare: Round[] } = { ours: [], bare: [] };
    for (let round = 0; round < rounds; round++) {
      found.ours.push(await sendToAll(ours, admin, nodes));
      found.bare.push(await broadcast());
    }
    sayRounds(nodes, found.ours, found.bare);
    const mib = (bytes: number) => number(bytes / 1024 / 1024);
    note(
      `  a job of ${job} bytes to each node, frames of ${answers.join(', ')} bytes back; memory of our server ` +
        `${mib(restBefore)} MiB before the first, ${mib(ours.server.memory())} MiB after the last`,
    );
    if (profile !== undefined && nodes === sizes.at(-1)) {
      await ours.server.ask({ profile: 'start' });
      const { took } = await sendToAll(ours, admin, nodes);
      await ours.server.ask({ profile });
      note(`  with a profiler, ${number(took)} ms; functions by their own time:`);
      for (const line of hottest(profile, 25)) note(`    ${line}`);
    }
    admin.close();
  } finally {
    await place.clear();
  }
}

for (const nodes of sizes) await measure(nodes);
