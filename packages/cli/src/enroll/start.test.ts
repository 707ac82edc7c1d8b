/** The end of enrolling, with a stand-in for systemd that really runs the agent, and its undoing. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { agentProcess, readStatus } from '@rollcall/agent';
import { authority } from '../../../agent/src/testing/certificates.ts';
import { type FakeServer, startFakeServer } from '../../../agent/src/testing/fake-server.ts';
import { screenOf } from '../output/screen.ts';
import { testIo } from '../testing/io.ts';
import { type TestMachine, testMachine } from '../testing/machine.ts';
import { enrol } from './enroll.ts';
import { waitForHeartbeat } from './first-heartbeat.ts';
import { leaveServer } from './leave.ts';
import { readEnrollOptions } from './options.ts';
import { unitFile } from './service.ts';

let server: FakeServer;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-start-'));
before(async () => {
  server = await startFakeServer();
  writeFileSync(path.join(folder, 'ca.pem'), authority);
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A machine whose systemctl really starts and stops the agent that the unit names. */
function withSystemd(root: string): TestMachine & { stop(): Promise<void> } {
  let child: ChildProcess | undefined;
  const stop = async () => {
    const ending = child;
    child = undefined;
    if (!ending) return;
    const ended = new Promise((done) => ending.once('exit', done));
    ending.kill();
    await ended;
  };
  const start = () => {
    const { file, args } = agentProcess({ root });
    child = spawn(file, args, { stdio: 'ignore' });
  };
  const machine = testMachine({ systemctl: () => undefined });
  mkdirSync(machine.path('/run/systemd/system'), { recursive: true });
  machine.put('/etc/systemd/system/other.service', '');
  return Object.assign(machine, {
    stop,
    async run(command: string, args: readonly string[]) {
      machine.ran.push([command, ...args].join(' '));
      const [verb] = args;
      if (verb === 'is-active') return { code: child ? 0 : 3, output: '' };
      if (verb === 'disable' || verb === 'restart') await stop();
      if (verb === 'start' || verb === 'restart') start();
      return { code: 0, output: verb === '--version' ? 'systemd 252 (252.39)' : '' };
    },
  });
}

const options = (root: string, more: object = {}) =>
  readEnrollOptions(
    {
      server: server.url,
      activationId: 'a',
      activationCode: 'CODE',
      root,
      caFile: path.join(folder, 'ca.pem'),
      service: true,
      ...more,
    },
    testIo().io,
  );

test('under systemd the agent is started, waited for, and stopped and removed again', async () => {
  const root = path.join(folder, 'agent');
  const machine = withSystemd(root);
  try {
    const first = testIo();
    await enrol(options(root), first.io, machine);
    const { out, code } = first.outcome();
    assert.equal(code, 0);
    assert.match(out, /^\[✓\] .* systemd 252: supported$/m);
    assert.match(out, /^\[✓\] service rollcall-agent started, starts at boot$/m);
    assert.match(out, /^\[✓\] first heartbeat, channel open$/m);
    assert.match(out, /^\S+ is in the list\. To leave again:\s.*leave --root /m);
    assert.match(readFileSync(machine.path(unitFile), 'utf8'), /^ExecStart="?\/.*run\.ts"? --root /m);

    const again = testIo();
    await enrol(options(root), again.io, machine);
    assert.match(again.outcome().out, /service rollcall-agent runs already/);
    const proxied = testIo();
    await enrol(options(root, { noProxy: '.lan' }), proxied.io, machine);
    assert.match(proxied.outcome().out, /service rollcall-agent restarted/);

    const left = testIo();
    await leaveServer({ root }, left.io, machine);
    assert.ok(left.outcome().out.startsWith(`Removed\n  ${unitFile}\n  ${root}/`), left.outcome().out);
    assert.deepEqual([existsSync(root), existsSync(machine.path(unitFile))], [false, false]);
  } finally {
    await machine.stop();
  }
});

test('a service needs root, and says so before it registers', async () => {
  const machine = Object.assign(withSystemd('/none'), { isRoot: () => false });
  const before = server.calls.length;
  await assert.rejects(enrol(options(path.join(folder, 'none')), testIo().io, machine), /put sudo before it/);
  assert.equal(server.calls.length, before);
});

test('an agent that is not heard is told from one that does not run', async () => {
  const screen = screenOf(testIo().io);
  const wait = (status: Parameters<typeof waitForHeartbeat>[0]['read']) =>
    waitForHeartbeat({ read: status, now: Date.now, patience: 20 }, screen);
  const silent = await wait(() => undefined);
  assert.deepEqual([silent.ok, /the agent does not run/.test(silent.line)], [false, true]);

  const base = {
    state: 'waiting' as const,
    nodeId: 'mi-0',
    serverUrl: server.url,
    region: 'us-east-1',
    pid: process.pid,
    agentVersion: '1',
    startedAt: '',
    at: '',
    periodSeconds: 300,
    lastErrors: [{ at: '', what: 'heartbeat', message: 'the name server did not answer' }],
  };
  const waiting = await wait(() => base);
  assert.deepEqual([waiting.ok, /the name server did not answer/.test(waiting.line)], [false, true]);
  const polling = await wait(() => ({ ...base, state: 'polling', lastHeartbeat: { at: '', ok: true } }));
  assert.deepEqual([polling.ok, /no channel .* polls/.test(polling.line)], [true, true]);
  const stale = await wait(() => ({
    ...base,
    state: 'connected',
    lastHeartbeat: { at: '', ok: true },
    pid: 2 ** 22,
  }));
  assert.equal(stale.ok, false);
  assert.equal(readStatus(path.join(folder, 'none')), undefined);
});
