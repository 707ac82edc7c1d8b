/** The doctor on a machine: with an agent and without, read elsewhere, mended, and the server's own machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentProcess, register } from '@rollcall/agent';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { run } from '../run.ts';
import { rollcall, testIo } from '../testing/io.ts';
import { verbs } from '../verbs.ts';

let server: TestServer;
let nodeId: string;
let agent: ReturnType<typeof spawn>;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-doctor-'));
const root = path.join(folder, 'agent');

before(async () => {
  server = await startServer();
  const made = JSON.parse((await rollcall(['activation', 'create', '--json', '--data', server.data])).out);
  const registered = await register({
    serverUrl: server.url,
    activationId: made.ActivationId,
    activationCode: made.ActivationCode,
    region: 'us-east-1',
    root,
    ca: server.ca,
  });
  nodeId = registered.nodeId;
  const { file, args, env } = agentProcess({ root });
  agent = spawn(file, args, { env, stdio: 'ignore' });
  const isOpen = async () =>
    JSON.parse((await rollcall(['nodes', '--json', '--data', server.data])).out).Nodes[0].ChannelOpen;
  for (let tries = 0; tries < 200 && !(await isOpen()); tries++) await sleep(50);
});
after(async () => {
  const ended = new Promise((resolve) => agent?.once('exit', resolve));
  agent?.kill('SIGKILL');
  await ended;
  await server?.stop();
  server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Alone, as on a node: no server's keys are in reach. */
const doctor = async (...args: string[]) => {
  const answer = await rollcall(['doctor', ...args], { cwd: folder });
  for (const line of answer.out.split('\n')) assert.ok(widthOf(line) <= 80, `${args.join(' ')}: ${line}`);
  return answer;
};

test('a healthy node: three times yes, from the machine alone and with the server asked', async () => {
  const alone = await doctor('--root', root);
  assert.equal(alone.code, 0, alone.out + alone.err);
  assert.match(alone.out, new RegExp(`${nodeId} +rollcall-agent`));
  assert.match(alone.out, /^\[✓\] Path +name > route > TCP > TLS > HTTP/m);
  assert.match(alone.out, /Nothing to do\./);
  const joined = await rollcall(['doctor', '--root', root, '--data', server.data], { cwd: folder });
  assert.equal(joined.code, 0, joined.out + joined.err);
  assert.match(joined.out, /Nothing to do\./);
  const japanese = await doctor('--root', root, '--lang', 'ja');
  assert.match(japanese.out, /^一覧に出るか/m);
});

test('another address of its server is tried as the agent would, and makes no healthy node ill', async () => {
  const { hostname: host } = new URL(server.url);
  const other = server.url.replace(host, host === 'localhost' ? '127.0.0.1' : 'localhost');
  const { code, out } = await doctor('--root', root, '--server', other);
  assert.equal(code, 0, out);
  assert.match(out, /Nothing to do\./);
  assert.match(out, /\[✓\] TLS/);
});

test('what was seen can be judged elsewhere, holds no secret, and never replaces a file', async () => {
  const made = await doctor('--root', root, '--bundle', 'bundle.json', '--json');
  const file = path.join(folder, 'bundle.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /PRIVATE KEY|privateKey/);
  const verdict = JSON.parse(made.out);
  assert.equal(verdict.subject.nodeId, nodeId);
  const again = await doctor('--read', 'bundle.json', '--json');
  assert.equal(again.code, made.code);
  assert.deepEqual(JSON.parse(again.out).answers, verdict.answers);
  const shown = await doctor('--read', 'bundle.json');
  assert.match(shown.out, new RegExp(nodeId));
  assert.match((await doctor('--root', root, '--bundle', 'bundle.json')).err, /is there already/);

  writeFileSync(path.join(folder, 'edited.json'), text.replace(/"agents": \[/, '"agents": [{"kind": 7}, '));
  const edited = await doctor('--read', 'edited.json');
  assert.ok(edited.code === 2 || /^\[/m.test(edited.out), edited.err);
  assert.doesNotMatch(edited.err, /unforeseen/);
});

test('the script prints a block that the doctor reads; damage is told', async () => {
  const script = (await rollcall(['collect'])).out;
  assert.match(script, /^#!\/bin\/sh\n/);
  assert.match((await rollcall(['collect', '--ps1'])).out, /param|PowerShell/i);
  const block = await runScript(script, ['--server', server.url]);
  writeFileSync(path.join(folder, 'block.txt'), `Hi,\n\n> ${block.replaceAll('\n', '\n> ')}\nKenji\n`);
  const { code, out, err } = await doctor('--read', 'block.txt');
  assert.equal(err, '');
  assert.notEqual(code, 0);
  assert.match(out, new RegExp(hostname().slice(0, 30)));
  writeFileSync(path.join(folder, 'cut.txt'), block.split('\n').slice(0, 20).join('\n'));
  assert.match((await doctor('--read', 'cut.txt')).err, /isn't whole/);
  writeFileSync(path.join(folder, 'cut.txt'), block.replace(/(:host name=)/, '$1x'));
  assert.match((await doctor('--read', 'cut.txt')).err, /isn't (whole|as it was collected)/);
});

test('nothing set up: the way to a server, and how it looks from there, without its records', async () => {
  const { out } = await doctor('--root', path.join(folder, 'nothing'), '--server', server.url);
  assert.match(out, new RegExp(`^From here to ${server.url} `, 'm'));
  assert.match(out, /^\[✓\] TCP +port \d+.*\n\[✗\] TLS +untrusted/m);
  assert.match(out, /^Seen from the server +(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1), clock /m);
  assert.doesNotMatch(out, new RegExp(nodeId));
  assert.equal((await doctor('--server', 'http://x')).code, 2);
  assert.equal((await doctor('--self', '--fix')).code, 2);
  assert.equal((await doctor('--fix', '--json')).code, 2);
});

test('a halted agent is set going, after a yes', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const halted = () => doctor('--root', root);
  agent.kill('SIGSTOP');
  const before = await halted();
  assert.notEqual(before.code, 0);
  assert.match(before.out, /agent-frozen/);

  const piped = await doctor('--root', root, '--fix');
  assert.match(piped.err, /nobody is here to ask: nothing was run/);
  const declined = await answering('n');
  assert.match(declined.err, /Against agent-frozen, as safe:\n {2}kill -CONT \d+\nRun it\?/);
  assert.match(declined.err, /Nothing was run/);
  assert.match((await halted()).out, /agent-frozen/);

  const mended = await answering('y');
  assert.match(mended.err, /\[✓\] That has helped/);
  assert.doesNotMatch((await halted()).out, /agent-frozen/);
});

/** `doctor --fix` on a terminal at which somebody answers. */
async function answering(answer: string) {
  const typed = Object.assign(new PassThrough(), { isTTY: true });
  const { io, outcome } = testIo({ isTTY: true, cwd: folder, env: { NO_COLOR: '1' } });
  const ended = run(verbs, ['doctor', '--root', root, '--fix'], { ...io, stdin: typed });
  typed.end(`${answer}\n`);
  await ended;
  return outcome();
}

test("the server's own machine: what stops it, and what is worth a look", async () => {
  const self = async (...args: string[]) =>
    rollcall(['doctor', '--self', '--data', server.data, ...args], { cwd: folder });
  const { code, out, err } = await self('--clock', server.url);
  assert.equal(err, '');
  for (const line of out.split('\n')) assert.ok(widthOf(line) <= 80, line);
  assert.match(out, /^\[✓\] Answers +https:\/\/localhost:\d+ in \d+ ms$/m);
  assert.match(out, /^\[✓\] Certificate +\d+ days left$/m);
  assert.match(out, /^\[(✓|!)\] Clock .*against 1 other/m);
  assert.match(out, /^\[✓\] Writes +safe on disk in [\d.]+ ms/m);
  assert.match(out, /^\[!\] Backup +none was ever made/m);
  assert.equal(code, /^\[✗\]/m.test(out) ? 1 : 0);
  await rollcall(['backup', path.join(folder, 'b.db'), '--data', server.data]);
  assert.match((await self()).out, /^\[✓\] Backup +today$/m);
  const japanese = await rollcall(['doctor', '--self', '--lang', 'ja', '--data', server.data], {
    env: { LANG: 'C' },
  });
  assert.match(japanese.out, /^\[✓\] 応答 /m);
  const json = JSON.parse((await self('--json')).out);
  assert.equal(json.rows.find((row: { id: string }) => row.id === 'backup').state, 'yes');
});

function runScript(script: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-s', '--', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.once('error', reject);
    child.once('close', () => resolve(out));
    child.stdin.end(script);
  });
}
