/**
 * Our agent on a disk that is full: commands that need no room run, are run at most once even so, and tell what they
 * printed. Needs root, for a small file system of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Agent, openAgent } from '../../packages/agent/src/agent.ts';
import { register } from '../../packages/agent/src/register.ts';
import { authority } from '../../packages/agent/src/testing/certificates.ts';
import { shellDocument, stepsDocument } from '../../packages/agent/src/testing/enrolled.ts';
import { type FakeServer, isEnd, startFakeServer } from '../../packages/agent/src/testing/fake-server.ts';

const possible =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const skip = !possible;
const killable = join(import.meta.dirname, '../../packages/agent/src/testing/killable-agent.ts');

let holder: ChildProcess;
let mountPoint: string;
let disk: string;
let folder: string;
let server: FakeServer;
let agent: Agent | undefined;
let root: string;
const said: string[] = [];

before(async () => {
  if (skip) return;
  mountPoint = mkdtempSync(join(tmpdir(), 'rollcall-agent-disk-full-'));
  // The file system is seen by this process and those that enter its room; it goes when they are gone.
  const script = `mount -t tmpfs -o size=4m none ${mountPoint} && echo mounted && exec sleep 600`;
  holder = spawn('unshare', ['-m', 'sh', '-c', script]);
  await once(holder.stdout!, 'data');
  disk = `/proc/${holder.pid}/root${mountPoint}`;
});
after(() => {
  if (skip) return;
  holder.kill();
  rmSync(mountPoint, { recursive: true, force: true });
});
beforeEach(async () => {
  if (skip) return;
  server = await startFakeServer();
  root = join(disk, 'agent');
  folder = mkdtempSync(join(tmpdir(), 'rollcall-agent-marks-'));
  said.length = 0;
  await register({
    serverUrl: server.url,
    activationId: '11111111-2222-3333-4444-555555555555',
    activationCode: 'abcdefghijklmnopqrst',
    region: 'us-east-1',
    root,
    ca: authority,
  });
});
afterEach(async () => {
  if (skip) return;
  await stop();
  await server.close();
  for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true });
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const before = server.hellos.length;
  agent = openAgent({ root, log: (_, message) => void said.push(message) });
  await server.until('it is connected', () => server.hellos.length > before);
}

async function stop(): Promise<void> {
  await agent?.close();
  agent = undefined;
}

/** One command, so that everything there is to load is, and to make is made. */
async function warmUp(): Promise<void> {
  const id = server.offer(shellDocument(['true']));
  const jobs = join(root, 'jobs');
  const settled = () => existsSync(join(jobs, 'ended', `${id}.json`)) && !existsSync(join(jobs, id));
  await server.until('it is done with', settled);
}

/** Fills the disk to its last byte. */
function fill(): void {
  for (const size of [65_536, 4096, 1]) {
    for (;;) {
      try {
        appendFileSync(join(disk, 'ballast'), Buffer.alloc(size));
      } catch {
        break;
      }
    }
  }
  assert.throws(() => writeFileSync(join(disk, 'one-more'), 'x'), /ENOSPC/);
  rmSync(join(disk, 'one-more'), { force: true });
}

async function endOf(id: string) {
  await server.until('it has ended', () => server.endOf(id) !== undefined);
  return server.endOf(id)!;
}

test('a command runs on a full disk, and what it printed is told, the long output too', {
  skip,
}, async () => {
  await start();
  await warmUp();
  fill();
  const id = server.offer(shellDocument(['echo it runs; id -u', 'echo oops >&2']));
  const end = await endOf(id);
  assert.equal(end.documentStatus, 'Success');
  assert.equal(end.runtimeStatus?.step?.output, 'it runs\n0\n\n----------ERROR-------\noops\n');
  const long = server.offer(shellDocument(['seq 1 60000']));
  assert.equal((await endOf(long)).documentStatus, 'Success');
  const whole = Array.from({ length: 60_000 }, (_, number) => `${number + 1}\n`).join('');
  assert.equal(server.outputs.get(`${long} step stdout`)?.toString(), whole);
  const needing = server.offer(shellDocument([`echo x > ${disk}/needs-room`]));
  assert.equal((await endOf(needing)).documentStatus, 'Failed');
  assert.ok(said.some((message) => message.startsWith('Commands cannot be written to disk')));

  rmSync(join(disk, 'ballast'));
  const later = server.offer(shellDocument(['echo room again']));
  await endOf(later);
  await server.until('it is done with', () => existsSync(join(root, 'jobs', 'ended', `${later}.json`)));
  assert.equal(agent?.status().state, 'connected');
});

test('an agent that is started on a full disk runs commands as well', { skip }, async () => {
  fill();
  await start();
  const id = server.offer(shellDocument(['echo it runs']));
  assert.equal((await endOf(id)).runtimeStatus?.step?.output, 'it runs\n');
});

/** Offers a command again, and looks whether the agent knows it. */
async function isKnown(document: object, id: string): Promise<void> {
  const { length } = server.answersTo(id);
  server.offer(document, { id });
  await server.until('it is answered', () => server.answersTo(id).length > length);
  assert.equal(server.answersTo(id).at(-1)?.statusCode, '51405');
}

/** What the agent says at each moment, and the how manieth time that is, after one command before. */
const moments: [message: string, time: number][] = [
  ['A command was taken.', 2],
  ['A job was answered.', 2],
  ['A step starts.', 2],
  ['A step ended.', 2],
  ['A reply is sent.', 4],
  ['A reply is sent.', 5],
];
for (const [message, time] of moments) {
  test(`killed on a full disk at “${message}” (${time}): at most once all the same`, { skip }, async () => {
    const mark = join(folder, 'mark');
    const document = stepsDocument({
      one: { runCommand: [`echo one >> ${mark}`] },
      two: { runCommand: [`echo two >> ${mark}`] },
    });
    const before = server.hellos.length;
    const child = spawn(process.execPath, [killable, root, message, String(time)], { stdio: 'inherit' });
    const died = once(child, 'exit');
    await server.until('it is connected', () => server.hellos.length > before);
    await warmUp();
    fill();
    const id = server.offer(document);
    assert.deepEqual(await died, [null, 'SIGKILL']);
    const atKill = existsSync(mark) ? readFileSync(mark, 'utf8') : '';

    await start();
    await isKnown(document, id);
    const end = await endOf(id);
    assert.equal(end.documentStatus, 'Failed');
    const told = JSON.stringify(server.repliesTo(id).map(({ content }) => content));
    assert.match(told, /disk was full and the agent was stopped or killed/);
    assert.equal(existsSync(mark) ? readFileSync(mark, 'utf8') : '', atKill, 'nothing ran a second time');
    await isKnown(document, id);
    const ends = server.repliesTo(id).filter(({ content }) => isEnd(content));
    assert.deepEqual(new Set(ends.map(({ content }) => content.documentStatus)), new Set(['Failed']));

    rmSync(join(disk, 'ballast'));
    await stop();
    await start();
    await isKnown(document, id);
    assert.equal(existsSync(mark) ? readFileSync(mark, 'utf8') : '', atKill);
  });
}
