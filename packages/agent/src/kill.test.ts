/** An agent that is killed between any two writes comes back as the same node. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveConfig } from './config.ts';
import { loadGenerations, saveGenerations, writeAtomic } from './files.ts';
import { loadIdentity } from './identity.ts';
import { agentProcess } from './process.ts';
import { register } from './register.ts';
import { readStatus } from './status.ts';
import { authority } from './testing/certificates.ts';
import { type FakeServer, startFakeServer } from './testing/fake-server.ts';

const child = fileURLToPath(new URL('./testing/register-child.ts', import.meta.url));
const cache = join(tmpdir(), `rollcall-agent-test-cache-${process.getuid?.() ?? 0}`);

async function inFolder(work: (root: string, server: FakeServer) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  const server = await startFakeServer();
  try {
    await work(root, server);
  } finally {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  }
}

const enrolment = (server: FakeServer, root: string) => ({
  serverUrl: server.url,
  root,
  activationId: '1',
  activationCode: '2',
  region: 'us-east-1',
  ca: authority,
});

test('killed anywhere while it registers or saves, it is still one node with one slot', {
  timeout: 20_000,
}, async () => {
  for (const delay of [0, 45, 90, 160]) {
    await inFolder(async (root, server) => {
      const env = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: cache };
      const victim = spawn(process.execPath, [child, server.url, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env,
      });
      await once(victim.stdout!, 'data');
      await new Promise((resolve) => setTimeout(resolve, delay));
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      const { nodeId } = await register(enrolment(server, root));
      assert.equal(server.state.slotsUsed, 1, `killed after ${delay} ms`);
      assert.equal(loadIdentity(root)?.identity.nodeId, nodeId);
      assert.ok(server.keys.has(nodeId));
    });
  }
});

test('whatever half of a save reached the disk, a whole generation is there', () => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  const names = { current: 'a', previous: 'b' };
  const isWhole = (text: string) => text.endsWith('.');
  try {
    const read = () => {
      const parse = (text: string) => {
        if (!isWhole(text)) throw new Error('torn');
        return text;
      };
      const { value, generation } = loadGenerations(root, names, parse)!;
      return `${generation} ${value}`;
    };
    saveGenerations(root, names, 'one.', isWhole);
    saveGenerations(root, names, 'two.', isWhole);
    // The temporary file of a save that was cut short is in nobody's way.
    writeAtomic(join(root, 'a.new'), 'thr');
    assert.equal(read(), 'current two.');
    writeAtomic(join(root, 'a'), 'torn');
    assert.equal(read(), 'previous one.');
    saveGenerations(root, names, 'three.', isWhole);
    assert.equal(read(), 'current three.');
    rmSync(join(root, 'a'));
    assert.equal(read(), 'previous one.');
  } finally {
    rmSync(root, { recursive: true });
  }
});

async function startProcess(root: string, server: FakeServer, child = false): Promise<ChildProcess> {
  const { file, args, env } = agentProcess({ root, cache, child });
  const running = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'], env });
  try {
    await server.until('it is connected', () => {
      const status = readStatus(root);
      return status?.state === 'connected' && status.pid === running.pid;
    });
  } catch (error) {
    running.kill('SIGKILL');
    throw error;
  }
  return running;
}

test(
  'as a process: killed and started again it goes on, told to stop it stops in order',
  { timeout: 20_000 },
  () =>
    inFolder(async (root, server) => {
      await register(enrolment(server, root));
      saveConfig(root, { logLevel: 'debug' });
      const first = await startProcess(root, server);
      first.kill('SIGKILL');
      await once(first, 'exit');
      const second = await startProcess(root, server);
      assert.equal(server.named('RequestManagedInstanceRoleToken').length, 1);
      second.kill('SIGTERM');
      const [code] = await once(second, 'exit');
      assert.equal(code, 0);
      assert.equal(readStatus(root)?.state, 'stopped');
      assert.equal(loadIdentity(root)?.generation, 'current');
    }),
);

test('as a child, it stops when its parent is gone', { timeout: 20_000 }, () =>
  inFolder(async (root, server) => {
    await register(enrolment(server, root));
    const running = await startProcess(root, server, true);
    running.stdin?.end();
    const [code] = await once(running, 'exit');
    assert.equal(code, 0);
  }),
);

test('without a registration the process says so and exits with 2', { timeout: 20_000 }, () =>
  inFolder(async (root) => {
    const { file, args, env } = agentProcess({ root, cache });
    const running = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    let said = '';
    running.stderr?.on('data', (part) => {
      said += part;
    });
    const [code] = await once(running, 'close');
    assert.equal(code, 2);
    const line = JSON.parse(said);
    assert.equal(line.level, 'error');
    assert.match(line.message, /isn't registered/);
  }),
);
