/**
 * A fault that only the machine itself can see, a full disk, is named from the server's side: our agent has looked,
 * and told. Needs root, for a small file system of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../harness/server.ts';

const repository = resolve(import.meta.dirname, '../..');
const skip = !(
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
);

let server: TestServer;
let agent: ChildProcess | undefined;
let disk: string;

before(async () => {
  if (skip) return;
  server = await startServer();
  disk = mkdtempSync(join(tmpdir(), 'rollcall-node-evidence-'));
});
after(async () => {
  if (skip) return;
  if (agent?.exitCode === null) {
    const ended = new Promise((done) => agent?.once('exit', done));
    agent.kill('SIGTERM');
    await ended;
  }
  await server.stop();
  server.remove();
  rmSync(disk, { recursive: true, force: true });
});

/** `rollcall`, as an operator types it. */
function rollcall(...words: string[]): Promise<{ code: number; out: string }> {
  const file = join(repository, 'packages/cli/src/main.js');
  return new Promise((done) =>
    execFile(process.execPath, [file, ...words, '--data', server.data], (error, out, err) =>
      done({ code: Number(error?.code ?? 0), out: out + err }),
    ),
  );
}

test('a disk that is full on a node is named by why, once its agent has told', { skip }, async () => {
  const ca = join(disk, '..', `${disk.split('/').at(-1)}.pem`);
  writeFileSync(ca, server.ca);
  const { ActivationId, ActivationCode } = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'RollcallManagedNode',
  });
  // What is mounted is seen by the agent alone, and goes with it.
  const script = `mount -t tmpfs -o size=8m none "$1" && head -c 5000000 /dev/zero > "$1/full" && shift && exec "$@"`;
  const words = [
    join(repository, 'test/slow/agent-process.ts'),
    server.url,
    ca,
    ActivationId,
    ActivationCode,
    '--root',
    join(disk, 'agent'),
  ];
  agent = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', disk, process.execPath, ...words], {
    stdio: 'ignore',
  });
  let nodeId: string | undefined;
  let verdict: { cause?: string; inside?: { ofNow: boolean } } = {};
  for (let tries = 0; tries < 120 && verdict.cause === undefined; tries++) {
    await sleep(500);
    const list = await server.admin.ask('ssm:DescribeInstanceInformation', {});
    nodeId = list.InstanceInformationList[0]?.InstanceId;
    if (nodeId === undefined) continue;
    const answer = await server.admin.ask('rollcall:Why', { Subject: nodeId });
    verdict = JSON.parse(answer.Verdict);
  }
  rmSync(ca);
  assert.equal(verdict.cause, 'disk-full');
  assert.equal(verdict.inside?.ofNow, true);
  const page = await rollcall('why', nodeId!);
  assert.equal(page.code, 1);
  assert.match(page.out, /its disk is full/);
  assert.match(page.out, /Inside +its own agent looked at the machine \d+ s ago/);
});
