/** A whole agent against a server that checks every signature: its calls, its channel, and what it does when either fails. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FrameType, frameMessage, messageFrame } from '@rollcall/wire';
import { type Agent, type AgentOptions, openAgent } from './agent.ts';
import { saveConfig } from './config.ts';
import { NotRegisteredError } from './identity.ts';
import { RootInUseError } from './lock.ts';
import { silentLog } from './log.ts';
import { register } from './register.ts';
import { readStatus } from './status.ts';
import { authority } from './testing/certificates.ts';
import { type FakeServer, startFakeServer } from './testing/fake-server.ts';
import { type ManualClock, manualClock } from './testing/manual-clock.ts';

let server: FakeServer;
let root: string;
let clock: ManualClock;
let agent: Agent | undefined;
let addresses: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  server = await startFakeServer();
  clock = manualClock();
  addresses = 'eth0=192.0.2.7';
});

afterEach(async () => {
  await agent?.close();
  agent = undefined;
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

async function enrol(): Promise<string> {
  const { nodeId } = await register({
    serverUrl: server.url,
    activationId: '11111111-2222-3333-4444-555555555555',
    activationCode: 'abcdefghijklmnopqrst',
    region: 'us-east-1',
    root,
    ca: authority,
  });
  return nodeId;
}

function open(more: Partial<AgentOptions> = {}): Agent {
  agent = openAgent({ ...more, root, clock, log: silentLog, random: () => 0.5, addresses: () => addresses });
  return agent;
}

const connected = () =>
  server.until(
    'the channel is open',
    () => agent?.status().state === 'connected' && server.hellos.length > 0,
  );

/** Turns the clock in small steps, so that the network, which is real, keeps up. */
async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 5) {
    clock.advance(Math.min(left, 5) * 1000);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

async function passUntil(what: string, holds: () => boolean | undefined): Promise<void> {
  for (let step = 0; step < 200; step += 1) {
    if (holds()) return;
    clock.advance(2000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`It did not come to this: ${what}`);
}

test('a registered machine sends an empty and a full heartbeat and opens its channel, in one handshake', async () => {
  const nodeId = await enrol();
  const before = server.state.handshakes;
  open();
  await connected();
  assert.equal(server.state.handshakes - before, 1);
  const [empty, full] = server.named('UpdateInstanceInformation').map((call) => call.body);
  assert.deepEqual(Object.keys(empty!).sort(), ['AgentName', 'AgentVersion', 'InstanceId', 'PlatformType']);
  assert.equal(full?.InstanceId, nodeId);
  assert.equal(full?.AgentStatus, 'Active');
  assert.equal(full?.AgentName, 'rollcall-agent');
  assert.ok(full?.ComputerName && full.PlatformName && full.PlatformVersion);
  assert.equal(server.hellos[0]?.TokenValue, 'channel-token');
  const { connection } = server.named('upgrade')[0]!;
  assert.equal(server.named('POST /v1/control-channel')[0]?.connection, connection);
});

test('heartbeats come after a random part of a period, then every period, a handshake each', async () => {
  await enrol();
  // Short enough for the whole test to pass before the channel's first ping.
  saveConfig(root, { periodSeconds: 30 });
  open();
  await connected();
  const { handshakes } = server.state;
  await pass(14);
  assert.equal(server.named('UpdateInstanceInformation').length, 2);
  await pass(1);
  await server.until(
    'the second',
    () => agent?.status().nextAttempt?.at === new Date(clock.now() + 30_000).toISOString(),
  );
  assert.equal(server.named('UpdateInstanceInformation')[2]?.body.SSMConnectionChannel, 'ssmmessages');
  await pass(29);
  assert.equal(server.named('UpdateInstanceInformation').length, 3);
  await pass(1);
  await server.until('the third', () => server.named('UpdateInstanceInformation').length === 4);
  assert.equal(server.state.handshakes - handshakes, 2);
  assert.equal(server.sockets.size, 1);
});

test('a restart needs no token call while the credentials hold', async () => {
  await enrol();
  open();
  await connected();
  await agent?.close();
  assert.equal(readStatus(root)?.state, 'stopped');
  server.hellos.length = 0;
  open();
  await connected();
  assert.equal(server.named('RequestManagedInstanceRoleToken').length, 1);
});

test('credentials that the server no longer accepts are replaced at once', async () => {
  await enrol();
  open();
  await connected();
  await agent?.close();
  server.state.secret = 'another';
  server.hellos.length = 0;
  open();
  await connected();
  assert.equal(server.named('RequestManagedInstanceRoleToken').length, 2);
});

test('a closed channel is opened again within seconds, a dead one is noticed by its pings', async () => {
  await enrol();
  open();
  await connected();
  clock.advance(40_000);
  for (const socket of server.sockets) socket.close(1001);
  await server.until('the agent notices', () => agent?.status().state === 'waiting');
  assert.match(agent?.status().nextAttempt?.reason ?? '', /server closed it/);
  clock.advance(1250);
  await connected();
  await server.until('one channel', () => server.sockets.size === 1);
  for (const socket of server.sockets) socket.pause();
  await passUntil('the agent notices', () =>
    agent?.status().lastErrors.at(-1)?.message.includes('to a ping'),
  );
});

test('a session is answered honestly: there are none yet; what is not understood harms nothing', async () => {
  await enrol();
  open();
  await connected();
  const made = { createdAt: Date.now() };
  const shell = { SchemaVersion: 1, TaskId: 's-1', Topic: 't', Content: '{}' };
  server.send(messageFrame('from_the_future', { any: 'thing' }, made));
  server.send(messageFrame(FrameType.agentJob, { SchemaVersion: 1 }, made));
  for (const socket of server.sockets) socket.send(Buffer.from('no frame at all'));
  server.send(messageFrame(FrameType.interactiveShell, shell, made));
  await server.until('an answer', () => server.frames.length === 1);
  const done = frameMessage(server.frames[0]!);
  assert.equal(done.FinalTaskStatus, 'Failed');
  assert.match(String(done.Output), /serves no sessions yet/);
  assert.equal(agent?.status().state, 'connected');
});

test('where the channel is denied, it polls, and still tries the channel', async () => {
  await enrol();
  server.mischief.set(`POST /v1/control-channel/${[...server.keys.keys()][0]}`, {
    status: 400,
    code: 'AccessDeniedException',
    xml: true,
  });
  open();
  await server.until('it polls', () => agent?.status().state === 'polling');
  assert.match(agent?.status().nextAttempt?.reason ?? '', /AccessDenied/);
  server.state.messages.push({
    MessageId: 'aws.ssm.c2.mi-1',
    Destination: 'mi-1',
    Topic: 'aws.ssm.sendCommand.us-east-1.mi-1',
    CreatedDate: '',
    Payload: '{}',
  });
  await passUntil('the message is answered', () => server.named('SendReply').length === 1);
  server.mischief.clear();
  await passUntil('the channel is open', () => agent?.status().state === 'connected');
  // A poll that was on its way when the channel opened may still arrive.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const polls = server.named('GetMessages').length;
  clock.advance(5000);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(server.named('GetMessages').length, polls);
});

test('two upgrades that fail bring polling as well', async () => {
  await enrol();
  server.mischief.set('upgrade', { status: 403, code: 'x' });
  open();
  await server.until('one failure', () => agent?.status().lastErrors.length === 1);
  assert.match(agent?.status().lastErrors[0]?.message ?? '', /HTTP 403/);
  await passUntil('it polls', () => agent?.status().state === 'polling');
});

test('while the server is away it waits up to a minute, and tries at once when the network changes', async () => {
  await enrol();
  server.mischief.set('*', 'drop');
  open();
  for (let failures = 1; failures < 12; failures += 1) {
    await server.until(
      'it waits',
      () => agent?.status().nextAttempt?.reason !== 'routine' && agent?.status().state === 'waiting',
    );
    const { nextAttempt } = agent!.status();
    const wait = Date.parse(nextAttempt!.at) - clock.now();
    assert.ok(wait <= 60_000, `${wait} ms`);
    if (failures > 7) assert.ok(wait > 30_000, `${wait} ms`);
    assert.match(nextAttempt!.reason, /cut|hang up/);
    clock.advance(wait);
    await server.until('it tried', () => agent?.status().nextAttempt?.at !== nextAttempt?.at);
  }
  server.mischief.clear();
  addresses = 'wlan0=198.51.100.9';
  await pass(6);
  await connected();
});

test('a wish to be left alone is respected, even when the network changes', async () => {
  await enrol();
  server.mischief.set('RequestManagedInstanceRoleToken', {
    status: 503,
    code: 'ServiceUnavailable',
    headers: { 'retry-after': '120' },
  });
  open();
  await server.until('it waits', () => agent?.status().state === 'waiting');
  assert.equal(Date.parse(agent!.status().nextAttempt!.at) - clock.now(), 120_000);
  server.mischief.clear();
  addresses = 'wlan0=198.51.100.9';
  clock.advance(119_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(server.named('RequestManagedInstanceRoleToken').length, 0);
  clock.advance(1000);
  await connected();
});

test('a node that was deregistered says so, and keeps trying every minute', async () => {
  await enrol();
  server.state.knowsNodes = false;
  open();
  await server.until('it is refused', () => agent?.status().state === 'refused');
  assert.match(agent!.status().nextAttempt!.reason, /deregistered/);
  assert.ok(Date.parse(agent!.status().nextAttempt!.at) - clock.now() >= 30_000);
  server.state.knowsNodes = true;
  await passUntil('it is back', () => agent?.status().state === 'connected');
});

test('a wrong clock costs one attempt: requests are then signed by the server’s', async () => {
  await enrol();
  clock.set(-3_600_000);
  open();
  await server.until('it waits', () => agent?.status().nextAttempt?.reason !== undefined);
  await passUntil('it is connected', () => agent?.status().state === 'connected');
  assert.ok(Math.abs((agent?.status().clockAheadSeconds ?? 0) + 3600) < 60);
});

test('waking up from sleep sends the overdue heartbeat soon', async () => {
  await enrol();
  open();
  await connected();
  clock.set(8 * 3_600_000);
  server.state.clockAhead = 8 * 3_600_000;
  clock.advance(5000);
  await server.until('a heartbeat', () => server.named('UpdateInstanceInformation').length === 3);
});

test('the server’s new key pair request is followed', async () => {
  await enrol();
  server.state.updateKeyPair = true;
  const [nodeId] = server.keys.keys();
  const before = server.keys.get(nodeId!);
  open();
  await connected();
  assert.notEqual(server.keys.get(nodeId!), before);
  await agent?.close();
  rmSync(join(root, 'credentials.json'));
  server.hellos.length = 0;
  open();
  await connected();
});

test('a second agent in the same folder is refused, and one where nobody registered too', async () => {
  assert.throws(() => openAgent({ root, log: silentLog }), NotRegisteredError);
  await enrol();
  open();
  assert.throws(() => openAgent({ root, log: silentLog }), RootInUseError);
  await agent?.close();
  open();
});

test('what is secret is for the owner only; the status is for everybody and has nothing secret in it', async () => {
  await enrol();
  open();
  await connected();
  for (const name of ['identity.json', 'credentials.json']) {
    assert.equal(statSync(join(root, name)).mode & 0o777, 0o600, name);
  }
  assert.equal(statSync(join(root, 'status.json')).mode & 0o777, 0o644);
  const status = readFileSync(join(root, 'status.json'), 'utf8');
  assert.doesNotMatch(status, /PRIVATE|secret|"token"/);
});

test('the server is told what is seen of the machine, once while nothing changes, and not when that is turned off', async () => {
  const nodeId = await enrol();
  let looks = 0;
  const look = async () => {
    looks += 1;
    return { sign: 'a'.repeat(16), isTrouble: false, json: '{"format":1}' };
  };
  const told = () => server.named('PutNodeEvidence');
  open({ look });
  await connected();
  await passUntil('it is told', () => agent?.status().evidence !== undefined);
  assert.deepEqual([looks, told()[0]?.body], [1, { InstanceId: nodeId, Evidence: '{"format":1}' }]);
  await agent?.close();
  open({ look });
  await connected();
  await passUntil('it looks again', () => looks === 2);
  assert.equal(told().length, 1, 'the process before has told the same');
  await agent?.close();
  saveConfig(root, { sendEvidence: false });
  open({ look });
  await connected();
  await pass(20 * 60);
  assert.deepEqual([looks, told().length], [2, 1]);
});
