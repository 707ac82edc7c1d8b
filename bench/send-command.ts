/**
 * Commands taken on a second: `SendCommand` to one node that is away, signed, authorised, on disk before it is
 * answered, over kept TLS connections; against `moto_server`, which keeps them in memory, over plain HTTP, and checks
 * no one. One caller is held to 1,000 calls a second, so there are several. Either server has one core, and the load comes from another process on the other core. Then the server
 * is killed (`kill -9`) under load, again and again: no command that was acknowledged may be missing. `--profile
 * FILE` writes a CPU profile of our server, 16 at a time.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openApiClient } from '../test/harness/api-client.ts';
import { nodeId, region } from './lib/books.ts';
import { cpuOf } from './lib/children.ts';
import type { LoadResult } from './lib/load.ts';
import { hasMoto, type Moto, noMoto, startMoto } from './lib/moto.ts';
import { makePlace, type Place } from './lib/place.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';
import { pack, requestBytes } from './lib/requests.ts';

const rounds = small ? 3 : 5;
const seconds = small ? 0.5 : 4;
const kills = small ? 3 : 50;
const widths = [1, 16];
/** Who sends, in turn. */
const callers = 16;
/** Distinct requests; they are sent again from the first. */
const prepared = 2_000;

const profileAt = process.argv.indexOf('--profile');
const profile = profileAt < 0 ? undefined : process.argv[profileAt + 1];

const target = nodeId(0);
const command = (comment: string) => ({
  DocumentName: 'AWS-RunShellScript',
  InstanceIds: [target],
  Comment: comment,
  Parameters: { commands: ['true'] },
});

interface Measured extends LoadResult {
  /** Microseconds of the server's CPU time for each. */
  readonly cpu: number;
}

begin('send-command', 'SendCommand to one node; servers on one core');

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

function administrator(place: Place): Credentials {
  return JSON.parse(readFileSync(join(place.data, 'connection.json'), 'utf8'));
}

/** Users who may send commands and nothing else; their keys. */
async function makeCallers(place: Place, port: number): Promise<Credentials[]> {
  const ca = readFileSync(join(place.data, 'ca.crt'), 'utf8');
  const url = `https://localhost:${port}`;
  const admin = openApiClient({ url, ca, region, credentials: administrator(place) });
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'ssm:SendCommand', Resource: '*' }],
  };
  const made: Credentials[] = [];
  for (let index = 0; index < callers; index++) {
    const { AccessKey } = await admin.ask('rollcall:CreateUser', {
      UserName: `sender-${index}`,
      PolicyDocument: JSON.stringify(policy),
    });
    made.push({ accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey });
  }
  admin.close();
  return made;
}

async function admit(place: Place): Promise<void> {
  const ours = await place.server('rollcall');
  const bare = await place.server('bare');
  const moto = hasMoto() ? await startMoto({ core: 0 }) : undefined;
  try {
    const file = join(place.folder, 'requests');
    const load = await place.client('load.ts', [file, join(place.data, 'ca.crt')]);
    const credentials = await makeCallers(place, ours.ports.tls);
    const found = new Map<string, Measured[]>();
    const measure = async (name: string, pid: number, port: number, tls: boolean, connections: number) => {
      const before = cpuOf(pid);
      const one = await load.ask<LoadResult>({ port, tls, connections, seconds });
      if (one.refused > 0) throw new Error(`${name}: ${one.refused} were refused: ${one.refusal}`);
      const key = `${name} ${connections}`;
      const cpu = ((cpuOf(pid) - before) / one.done) * 1e6;
      found.set(key, [...(found.get(key) ?? []), { ...one, cpu }]);
    };
    for (let round = 0; round < rounds; round++) {
      const at = Date.now();
      const requests = Array.from({ length: prepared }, (_, index) =>
        requestBytes({
          port: ours.ports.tls,
          target: 'AmazonSSM.SendCommand',
          body: JSON.stringify(command(`${round}/${index}`)),
          credentials: credentials[index % callers]!,
          userAgent: 'aws-cli/2.31.0',
          at,
        }),
      );
      writeFileSync(file, pack(requests));
      await load.ask({ read: true });
      // The first few compile, and fill caches.
      if (round === 0) await load.ask({ port: ours.ports.tls, tls: true, connections: 16, requests: 2_000 });
      for (const width of widths) {
        const watched = profile !== undefined && round === 1 && width === 16;
        if (watched) await ours.ask({ profile: 'start' });
        await measure('ours', ours.pid, ours.ports.tls, true, width);
        if (watched) await ours.ask({ profile });
        if (moto) await measure('moto', moto.pid, moto.port, false, width);
        await measure('bare', bare.pid, bare.ports.tls, true, width);
      }
    }
    for (const width of widths) say(found, width, moto);
  } finally {
    moto?.stop();
    await ours.stop();
    await bare.stop();
  }
}

function say(found: ReadonlyMap<string, Measured[]>, width: number, moto: Moto | undefined): void {
  const middle = (name: string, of: keyof Measured) =>
    median(found.get(`${name} ${width}`)!.map((one) => Number(one[of])));
  const perSecond = middle('ours', 'perSecond');
  if (moto) {
    compare({
      what: `taken on, ${width} at a time: ours, durable`,
      ours: perSecond,
      peer: middle('moto', 'perSecond'),
      unit: '/s',
      against: 'moto_server, in memory',
      atLeast: 5,
    });
  } else note(`taken on, ${width} at a time: ${number(perSecond)} /s; ${noMoto}: nothing to compare with`);
  const times = (name: string) =>
    `p50 ${number(middle(name, 'p50'))} ms, p99 ${number(middle(name, 'p99'))} ms, ${number(middle(name, 'cpu'))} µs of processor time each`;
  note(`  ours: ${times('ours')}${moto ? ` · moto_server: ${times('moto')}` : ''}`);
  note(
    `  what the load could do, at a bare node:https server: ${number(middle('bare', 'perSecond'))} /s; ` +
      `busy while it loads ours: ${Math.round(middle('ours', 'busy') * 100)} %`,
  );
}

/** Kills the server under load; answers how many were acknowledged, and how many of those are missing. */
async function killUnderLoad(place: Place): Promise<{ acknowledged: number; lost: number; unsure: number }> {
  const ca = readFileSync(join(place.data, 'ca.crt'), 'utf8');
  let server = await place.server('rollcall');
  const { ports } = server;
  const open = () =>
    openApiClient({
      url: `https://localhost:${ports.tls}`,
      ca,
      region,
      credentials: administrator(place),
    });
  const sum = { acknowledged: 0, lost: 0, unsure: 0 };
  for (let kill = 0; kill < kills; kill++) {
    const since = new Date().toISOString();
    const client = open();
    const acknowledged = new Set<string>();
    let dead = false;
    const sender = async () => {
      while (!dead) {
        const answer = await client.call('ssm:SendCommand', command(`kill ${kill}`)).catch(() => undefined);
        if (answer?.status === 200) acknowledged.add(answer.json.Command.CommandId);
        else if (dead) sum.unsure++;
        else throw new Error(`SendCommand answered ${answer?.status} ${answer?.text}`);
      }
    };
    const senders = Promise.all(Array.from({ length: 16 }, sender));
    while (acknowledged.size === 0) await sleep(1);
    await sleep(Math.random() * 300);
    dead = true;
    await server.stop();
    await senders;
    client.close();
    server = await place.server('rollcall', ports);
    const after = open();
    const stored = await everyCommand(after, since);
    after.close();
    sum.acknowledged += acknowledged.size;
    for (const id of acknowledged) if (!stored.has(id)) sum.lost++;
  }
  await server.stop();
  return sum;
}

/** The ids of commands since then that are listed, and have their invocation. */
async function everyCommand(client: ReturnType<typeof openApiClient>, since: string): Promise<Set<string>> {
  const pages = async (operation: string, member: string) => {
    const ids = new Set<string>();
    let token: string | undefined;
    do {
      const page = await client.ask(operation, {
        MaxResults: 50,
        InstanceId: target,
        Filters: [{ key: 'InvokedAfter', value: since }],
        ...(token && { NextToken: token }),
      });
      for (const one of page[member]) ids.add(one.CommandId);
      token = page.NextToken;
    } while (token !== undefined);
    return ids;
  };
  const commands = await pages('ssm:ListCommands', 'Commands');
  return commands.intersection(await pages('ssm:ListCommandInvocations', 'CommandInvocations'));
}

const place = await makePlace(1);
try {
  await admit(place);
  const { acknowledged, lost, unsure } = await killUnderLoad(place);
  note(
    `${kills} × kill -9 under 16 senders: ${acknowledged.toLocaleString('en')} commands acknowledged, ${lost} of them lost ` +
      `(at most 0: ${lost === 0 ? 'met' : 'MISSED'}); ${unsure} were cut off before an answer`,
  );
  if (lost > 0) throw new Error('Acknowledged commands are lost.');
} finally {
  await place.clear();
}
