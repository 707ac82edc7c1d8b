/**
 * The official agent itself, unmodified, against a real server. It can be had neither from npm nor from the
 * distribution, so this runs where ROLLCALL_OFFICIAL_AGENT names a command that takes
 * SERVER_URL REGION ACTIVATION_ID ACTIVATION_CODE CA_BUNDLE STATE_DIR and runs one in the foreground.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../harness/server.ts';

const command = process.env.ROLLCALL_OFFICIAL_AGENT;
const skip =
  command === undefined &&
  'the official agent is not at hand: ROLLCALL_OFFICIAL_AGENT can name a command that runs it';
const root = resolve(import.meta.dirname, '../..');

let server: TestServer;
let folder: string;
const agents: OfficialAgent[] = [];

interface OfficialAgent {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
  stop(): Promise<number | null>;
}

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  server = await startServer();
  writeFileSync(join(folder, 'ca.pem'), server.ca);
});
after(async () => {
  if (skip) return;
  for (const agent of agents) await agent.stop();
  await server.stop();
  server.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Activation {
  readonly ActivationId: string;
  readonly ActivationCode: string;
}

function createActivation(input: object = {}): Promise<Activation> {
  return server.admin.ask('ssm:CreateActivation', { IamRole: 'SSMServiceRole', ...input });
}

/** Runs an agent; with the state folder of an earlier one it is the same node again. */
function runAgent(activation: Activation, state: string, ca = 'ca.pem'): OfficialAgent {
  const [program, ...args] = command!.split(/\s+/);
  const child = spawn(
    program!,
    [
      ...args,
      server.url,
      'us-east-1',
      activation.ActivationId,
      activation.ActivationCode,
      join(folder, ca),
      join(folder, state),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const agent: OfficialAgent = {
    process: child,
    ended,
    said: () => said,
    stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return ended;
    },
  };
  agents.push(agent);
  return agent;
}

/** Waits until something is so; answers how long that took, in milliseconds. */
async function until(what: string, within: number, isSo: () => Promise<boolean>): Promise<number> {
  const began = Date.now();
  while (Date.now() - began < within) {
    if (await isSo()) return Date.now() - began;
    await sleep(100);
  }
  throw new Error(`not within ${within / 1000} s: ${what}`);
}

async function nodeOf(
  activation: Activation,
): Promise<{ InstanceId: string; PingStatus: string } | undefined> {
  const { InstanceInformationList } = await server.admin.ask('ssm:DescribeInstanceInformation', {
    Filters: [{ Key: 'ActivationIds', Values: [activation.ActivationId] }],
  });
  return InstanceInformationList[0];
}

async function isConnected(nodeId: string): Promise<boolean> {
  return (await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId })).Status === 'connected';
}

async function knockOf(reason: string): Promise<Record<string, unknown> | undefined> {
  const { Knocks } = await server.admin.ask('rollcall:ListKnocks', {});
  return Knocks.find((one: { Reason: string }) => one.Reason === reason);
}

test('it joins the list, comes back after a crash of the server, and is cut off and let in again', {
  skip,
}, async (t) => {
  const activation = await createActivation({ DefaultInstanceName: 'official' });
  let agent = runAgent(activation, 'one');
  let nodeId = '';

  await t.test('Online within five seconds, its control channel open', async () => {
    const took = await until(
      'Online',
      5_000,
      async () => (await nodeOf(activation))?.PingStatus === 'Online',
    );
    nodeId = (await nodeOf(activation))!.InstanceId;
    const opened = await until('connected', 5_000, () => isConnected(nodeId));
    t.diagnostic(`Online after ${took} ms, connected ${opened} ms later`);
  });

  await t.test('it runs commands: output, failure, cancel, more at once than it takes', async () => {
    const send = async (commands: string[], more: object = {}): Promise<string> => {
      const { Command } = await server.admin.ask('ssm:SendCommand', {
        DocumentName: 'AWS-RunShellScript',
        InstanceIds: [nodeId],
        Parameters: { commands },
        ...more,
      });
      return Command.CommandId;
    };
    const read = (CommandId: string) =>
      server.admin.ask('ssm:GetCommandInvocation', { CommandId, InstanceId: nodeId });
    const ended = async (CommandId: string, within = 10_000) => {
      const done = ['Success', 'Failed', 'TimedOut', 'Cancelled'];
      const took = await until('ended', within, async () => done.includes((await read(CommandId)).Status));
      return { ...(await read(CommandId)), took };
    };
    const hello = await ended(await send(['echo hello', 'echo oops >&2']));
    assert.deepEqual(
      [hello.Status, hello.ResponseCode, hello.StandardOutputContent, hello.StandardErrorContent],
      ['Success', 0, 'hello\n', 'oops\n'],
    );
    t.diagnostic(`a command was through after ${hello.took} ms`);
    const failed = await ended(await send(['exit 3']));
    assert.deepEqual([failed.Status, failed.ResponseCode], ['Failed', 3]);
    const long = await send(['sleep 300']);
    await until('running', 5_000, async () => (await read(long)).Status === 'InProgress');
    await server.admin.ask('ssm:CancelCommand', { CommandId: long });
    assert.deepEqual((await ended(long)).Status, 'Cancelled');
    const many = await Promise.all(Array.from({ length: 25 }, (_, n) => send([`sleep 0.2; echo ${n}`])));
    for (const [n, id] of many.entries()) {
      const one = await ended(id, 60_000);
      assert.deepEqual([one.Status, one.StandardOutputContent], ['Success', `${n}\n`]);
    }
  });

  await t.test('back by itself after kill -9 of the server', async () => {
    const { port, data } = server;
    await server.kill();
    server = await startServer({ port, data });
    t.diagnostic(
      `its channel was back after ${await until('connected', 30_000, () => isConnected(nodeId))} ms`,
    );
    assert.equal((await nodeOf(activation))?.PingStatus, 'Online');
  });

  await t.test('back by itself after an orderly restart, which does not wait for it', async () => {
    const { port, data } = server;
    const began = Date.now();
    assert.equal(await server.stop(), 0);
    const stopped = Date.now() - began;
    assert.ok(stopped < 1_000, `the stop took ${stopped} ms`);
    server = await startServer({ port, data });
    const back = await until('connected', 30_000, () => isConnected(nodeId));
    t.diagnostic(`stopped in ${stopped} ms, its channel was back ${back} ms after the start`);
  });

  await t.test('deregistered: cut off at once, and what it tries is a knock that says why', async () => {
    await server.admin.ask('ssm:DeregisterManagedInstance', { InstanceId: nodeId });
    await until('cut off', 2_000, async () => !(await isConnected(nodeId)));
    assert.equal(await nodeOf(activation), undefined);
    await until('its knock', 20_000, async () => (await knockOf('node-deregistered')) !== undefined);
    assert.equal((await knockOf('node-deregistered'))?.Claim, nodeId);
    assert.equal(agent.process.exitCode, null, 'it goes on trying');
  });

  await t.test('restored: the same node again, once it has been restarted', async () => {
    await server.admin.ask('rollcall:RestoreNode', { InstanceId: nodeId });
    await agent.stop();
    agent = runAgent(activation, 'one');
    t.diagnostic(`back after ${await until('connected', 30_000, () => isConnected(nodeId))} ms`);
    assert.equal((await nodeOf(activation))?.InstanceId, nodeId);
  });

  await t.test('it stops when it is asked to, and its channel is closed with it', async () => {
    await agent.stop();
    await until('closed', 3_000, async () => !(await isConnected(nodeId)));
  });
});

test('it refuses a server whose CA it does not know, and that is seen here', { skip }, async () => {
  const stranger = await startServer();
  writeFileSync(join(folder, 'other.pem'), stranger.ca);
  await stranger.stop();
  stranger.remove();
  const activation = await createActivation();
  const agent = runAgent(activation, 'distrustful', 'other.pem');
  await until('its knock', 20_000, async () => {
    return (await knockOf('client-rejected-certificate')) !== undefined;
  });
  const knock = await knockOf('client-rejected-certificate');
  assert.equal(knock?.Layer, 'tls');
  assert.match(String(knock?.Detail), /alert=42/);
  await agent.stop();
  assert.equal(await nodeOf(activation), undefined);
});

test('an expired activation: it says so and exits, and so do the knocks', { skip }, async () => {
  const activation = await createActivation({ ExpirationDate: Date.now() / 1000 + 0.2 });
  await sleep(250);
  const agent = runAgent(activation, 'late');
  assert.notEqual(await agent.ended, 0);
  assert.match(agent.said(), /ActivationExpired: The activation expired at /);
  await until('its knock', 5_000, async () => (await knockOf('activation-expired')) !== undefined);
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(root, 'packages/cli/src/main.js'),
    'knocks',
    '--data',
    server.data,
  ]);
  assert.ok(stdout.includes(activation.ActivationId), stdout);
});
