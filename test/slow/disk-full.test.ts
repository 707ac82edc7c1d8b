/**
 * A server whose disk fills up: it says so to everybody who wants something written, never yes to what it didn't
 * write, and goes on by itself when there is room again. Needs root, for a small file system of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiAnswer, type ApiClient, openApiClient } from '../harness/api-client.ts';
import { makeKeyPool } from '../harness/key-pool.ts';
import { freePort } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';

const main = join(import.meta.dirname, '../../packages/cli/src/main.js');
const possible =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

test('a full disk is said, harms nothing, and is over when there is room', { skip: !possible }, async () => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'rollcall-disk-full-'));
  // The file system is seen by this process and those that enter its room; it goes when they are gone.
  const holder = spawn('unshare', [
    '-m',
    'sh',
    '-c',
    `mount -t tmpfs -o size=8m none ${mountPoint} && echo mounted && exec sleep 600`,
  ]);
  await new Promise((done) => holder.stdout.once('data', done));
  /** The small disk, as it is seen from here. */
  const disk = `/proc/${holder.pid}/root${mountPoint}`;
  const ballast = join(disk, 'ballast');
  const port = await freePort();
  let server: Held | undefined;
  try {
    server = await start(holder, mountPoint, disk, port);
    const { admin } = server;
    const activation = await admin.ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 1000 });
    const fleet = openFleet({
      url: server.url,
      ca: server.ca,
      region: 'us-east-1',
      activation: { id: activation.ActivationId, code: activation.ActivationCode },
      keys: await makeKeyPool(400),
      messages: 'none',
    });
    await fleet.join(3);

    fill(ballast);
    // What is left of the last page may take a few small writes more: those are kept, as they were answered.
    const kept = { users: new Set<string>(), nodes: new Set(fleet.agents.map((agent) => agent.nodeId)) };
    let refused = 0;
    for (let round = 0; round < 400 && refused < 40; round += 1) {
      const before = refused;
      refused += await callEverything(admin, fleet, kept, `full-${round}`);
      if (refused === before) fill(ballast);
    }
    assert.ok(refused >= 40, `only ${refused} calls were refused on a full disk`);
    const beat = await outcome(fleet.heartbeat(fleet.agents[0]!));
    // A heartbeat that is answered with yes is on disk; one that isn't is refused, and sent again later.
    assert.match(beat, /^(ok|ServiceUnavailable \(503\))$/);
    const list = await admin.ask('ssm:DescribeInstanceInformation', { MaxResults: 50 });
    assert.ok(list.InstanceInformationList.length >= 3, 'reading goes on');

    rmSync(ballast);
    const since = Date.now();
    while ((await admin.call('rollcall:CreateUser', { UserName: 'room-again' })).status !== 200) {
      assert.ok(Date.now() - since < 5_000, 'it did not recover by itself');
      await sleep(50);
    }
    kept.users.add('room-again');
    const took = Date.now() - since;
    await fleet.heartbeat(fleet.agents[0]!);
    const late = await fleet.register();
    kept.nodes.add(late.nodeId);
    await fleet.close();

    await server.kill();
    server = await start(holder, mountPoint, disk, port);
    const { Users } = await server.admin.ask('rollcall:ListUsers');
    const users = (Users as { UserName: string }[])
      .map((user) => user.UserName)
      .filter((one) => one !== 'admin');
    assert.deepEqual(users.sort(), [...kept.users].sort(), 'users are those that were answered with yes');
    const { Nodes } = await server.admin.ask('rollcall:ListNodes', { MaxResults: 1000 });
    const nodes = (Nodes as { InstanceId: string }[]).map((node) => node.InstanceId);
    assert.deepEqual(nodes.sort(), [...kept.nodes].sort(), 'so are nodes');
    const { Registered } = await server.admin.ask('rollcall:GetActivationProgress', {
      ActivationId: activation.ActivationId,
    });
    assert.equal(Registered, kept.nodes.size);
    console.log(`${refused} calls refused while full; writing again ${took} ms after there was room`);
  } finally {
    await server?.kill();
    holder.kill('SIGKILL');
    rmSync(mountPoint, { recursive: true, force: true });
  }
});

/** Calls that want something written; answers how many were refused. */
async function callEverything(
  admin: ApiClient,
  fleet: Fleet,
  kept: { users: Set<string>; nodes: Set<string> },
  name: string,
): Promise<number> {
  const nodeId = fleet.agents[0]!.nodeId;
  const tags = [{ Key: name, Value: 'x'.repeat(200) }];
  const answers: [string, ApiAnswer][] = [
    ['CreateUser', await admin.call('rollcall:CreateUser', { UserName: name })],
    ['CreateActivation', await admin.call('ssm:CreateActivation', { IamRole: 'Nodes' })],
    ['PutSetting', await admin.call('rollcall:PutSetting', { Name: 'retention-events-days', Value: '50' })],
    [
      'AddTagsToResource',
      await admin.call('ssm:AddTagsToResource', {
        ResourceType: 'ManagedInstance',
        ResourceId: nodeId,
        Tags: tags,
      }),
    ],
  ];
  let refused = 0;
  for (const [operation, { status, json, text }] of answers) {
    if (status === 200) {
      if (operation === 'CreateUser') kept.users.add(name);
      continue;
    }
    refused += 1;
    // A node holds fifty tags at most.
    if (operation === 'AddTagsToResource' && json?.__type === 'TooManyTagsError') continue;
    assert.equal(status, 503, `${operation}: ${text}`);
    assert.equal(json.__type, 'ServiceUnavailable');
    assert.match(json.message, /full/, 'it says what is wrong');
  }
  const registered = await outcome(fleet.register());
  const made = fleet.agents.at(-1)!;
  if (registered === 'ok') kept.nodes.add(made.nodeId);
  else {
    refused += 1;
    assert.equal(registered, 'ServiceUnavailable (503)');
    fleet.agents.pop();
  }
  return refused;
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Writes until nothing more fits, in ever smaller pieces. */
function fill(file: string): void {
  writeFileSync(file, '', { flag: 'a' });
  for (let size = 1 << 20; size >= 1; size = size >> 1) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}

interface Held {
  readonly url: string;
  readonly ca: string;
  readonly admin: ApiClient;
  kill(): Promise<void>;
}

/** Starts a server within the holder's room. */
async function start(holder: ChildProcess, folder: string, disk: string, port: number): Promise<Held> {
  const flags = ['up', '--data', join(folder, 'data'), '--listen', `localhost:${port}`, '--metrics', 'off'];
  const child = spawn('nsenter', ['-t', String(holder.pid), '-m', process.execPath, main, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  let said = '';
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  await new Promise<void>((ready, failed) => {
    const hear = (chunk: Buffer) => {
      said = (said + chunk).slice(-20_000);
      if (/ is up\./.test(said)) ready();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    void ended.then(() => failed(new Error(`the server ended:\n${said}`)));
  });
  const read = (name: string) => readFileSync(join(disk, 'data', name), 'utf8');
  const { url, region, accessKeyId, secretAccessKey } = JSON.parse(read('connection.json'));
  const ca = read('ca.crt');
  const admin = openApiClient({ url, ca, region, credentials: { accessKeyId, secretAccessKey } });
  return {
    url,
    ca,
    admin,
    async kill() {
      admin.close();
      child.kill('SIGKILL');
      await ended;
    },
  };
}
