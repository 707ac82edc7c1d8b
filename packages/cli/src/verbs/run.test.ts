/** Running commands for real: a server, agents beside it, and what a person sees of it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { registerNode, startNode, type TestNode } from '../testing/agents.ts';
import { flat, rollcall, type TestIoOptions } from '../testing/io.ts';

let server: TestServer;
let web1: TestNode;
const others: TestNode[] = [];

before(async () => {
  server = await startServer();
  web1 = await startNode(server, 'web-1', 'env=prod');
});
after(async () => {
  for (const node of [web1, ...others]) {
    await node?.stop();
    node?.remove();
  }
  await server?.stop();
  server?.remove();
});

const ask = (args: readonly string[], options: TestIoOptions = {}) =>
  rollcall(args, { ...options, env: { ROLLCALL_DATA: server.data, ...options.env } });
const run = (...args: string[]) => ask(['run', ...args]);
const commandIn = (text: string) => /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0] ?? '';

test('on the only node, its output is ours, and which one it was is said', async () => {
  const { code, out, err } = await run('--', 'uname', '-a');
  assert.equal(out, execFileSync('uname', ['-a'], { encoding: 'utf8' }), err);
  assert.equal(err, `On web-1  ${web1.nodeId}\n`);
  assert.equal(code, 0);
});

test('both streams, the exit code and what it means', async () => {
  const failed = await run('web-1', '--', 'echo out; echo err >&2; exit 3');
  assert.equal(failed.code, 1);
  assert.equal(failed.out, 'out\n');
  assert.match(failed.err, /^err\n/);
  assert.match(failed.err, /^\[✗\] web-1: Failed, exit code 3$/m);
  const missing = await run('web-1', '--', 'no-such-program-here');
  assert.match(missing.err, /no such program there \(exit code 127\)/);
  const words = await run(web1.nodeId, '--', 'printf', '%s\\n', 'a  b', "it's", '$HOME', '*');
  assert.equal(words.out, "a  b\nit's\n$HOME\n*\n", words.err);
});

test('a folder, a time limit, and a document with parameters', async () => {
  assert.equal((await run('web-1', '--dir', '/', '--', 'pwd')).out, '/\n');
  const late = await run('web-1', '--time-limit', '5', '--', 'echo began; sleep 60');
  assert.equal(late.code, 1);
  assert.match(late.out, /^began\n/);
  assert.match(late.err, /ExecutionTimedOut(, exit code \d+)?\n.*longer than it may.*\n.*--time-limit/);
  const document = await run(
    'AWS-RunShellScript',
    'env=prod',
    '--param',
    'commands=echo a',
    '--param',
    'commands=echo b',
  );
  assert.equal(document.out, 'a\nb\n', document.err);
  assert.match(document.err, /^On web-1/);
});

test('a document of several steps: each under its name, and what was skipped', async () => {
  const step = (name: string, line: string, more = '') =>
    `  - {action: aws:runShellScript, name: ${name}, inputs: {runCommand: ['${line}']${more}}}\n`;
  const steps = step('first', 'echo one; exit 5', ', onFailure: exit') + step('second', 'echo two');
  const content = `schemaVersion: "2.2"\nmainSteps:\n${steps}`;
  const made = await ask(['documents', 'create', 'Two', '-'], { stdin: content });
  assert.equal(made.code, 0, made.err);
  const { code, out, err } = await run('Two', 'web-1');
  assert.equal(code, 1);
  assert.equal(out, 'one\n');
  assert.match(
    err,
    /^step first: Failed\n[\s\S]*^step second: Skipped\n[\s\S]*web-1: Failed, exit code 5\n/m,
  );
});

test('what a node writes can do nothing to a terminal', async () => {
  const { out, err } = await run('web-1', '--', "printf '\\033[2J\\twide\\n'; printf '\\033]0;x\\007' >&2");
  assert.equal(out, '\\x1b[2J\twide\n');
  assert.doesNotMatch(err, /\u001b/);
});

test('what cannot be meant is said, with what to do, and nothing is sent', async () => {
  const before = await ask(['commands', '--json']);
  const cases: [string[], RegExp][] = [
    [['web-9', '--', 'id'], /No node is called "web-9" in us-east-1\. .*rollcall nodes/],
    [['db-*', '--', 'id'], /No node in us-east-1 fits "db-\*"/],
    [['mi-0123456789abcdef0', '--', 'id'], /InvalidInstanceId/],
    [['uptime'], /InvalidDocument.*rollcall run -- uptime/],
    [['web-1', 'uptime'], /No node is called "uptime".*rollcall run web-1 -- uptime/],
    [['AWS-RunShellScript', 'web-1', '--param', 'nonsense=1'], /InvalidParameters/],
    [['AWS-RunShellScript', 'web-1'], /commands must be given.*As in: --param commands='\.\.\.'/],
    [
      ['AWS-InstallPowerShellModule', 'env=prod', '--param', 'source=x'],
      /none can run AWS-Install.*InvalidPlatform.*documents list/,
    ],
  ];
  for (const [args, sentence] of cases) {
    const { code, out, err } = await run(...args);
    assert.match(flat(err), sentence, args.join(' '));
    assert.equal(code, 2, args.join(' '));
    assert.equal(out, '');
  }
  assert.deepEqual(await ask(['commands', '--json']), before);
});

test('a long output: its beginning, and all of it when asked', async () => {
  const whole = execFileSync('seq', ['1', '20000'], { encoding: 'utf8' });
  const cut = await run('web-1', '--', 'seq 1 20000');
  assert.equal(cut.code, 0);
  assert.ok(cut.out.length <= 24_000 && whole.startsWith(cut.out.slice(0, 20_000)));
  assert.match(cut.err, /more of it is kept:\n {2}rollcall commands \S+ \\\n {2}--node mi-\S+ --output\n$/);
  assert.ok(!cut.out.endsWith('\n') && cut.err.startsWith('\nThis is'), 'the note begins a line of its own');
  const id = commandIn(cut.err);
  assert.equal((await ask(['commands', id, '--node', 'web-1', '--output'])).out, whole);
  assert.equal((await run('web-1', '--output', '--', 'seq 1 20000')).out, whole);
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const saved = await ask(['commands', id, '--save', folder]);
  assert.match(saved.err, /^1 file in \/\S+\n$/);
  assert.match(
    saved.out,
    /^AWS-RunShellScript .* Success\n {4}seq 1 20000\n\n\[✓\] 1 node: Success\n {2}web-1\n\n1 of 1 node: 1 Success\.\n/,
  );
  assert.equal(readFileSync(path.join(folder, `${id}.${web1.nodeId}.stdout`), 'utf8'), whole);
  // Another command's output takes another file; and of one node, nothing is shown beside what is saved.
  const other = commandIn((await run('web-1', '--no-wait', '--', 'echo other')).out);
  await ask(['commands', other, '--wait']);
  const one = await ask(['commands', other, '--node', 'web-1', '--save', folder]);
  assert.equal(one.out, '');
  assert.match(one.err, /^1 file in \/\S+\n$/);
  assert.equal(readdirSync(folder).length, 2);
});

test('several nodes: equal outputs once, failures first, and JSON for programs', async () => {
  others.push(await startNode(server, 'web-2', 'env=prod'), await startNode(server, 'db-1', 'env=test'));
  const which = await run('--', 'id');
  assert.equal(which.code, 2);
  assert.match(flat(which.err), /On which nodes\? There are 3 in us-east-1: web-1, web-2, db-1\..*--all/);

  const same = await run('web-*', '--', 'echo same');
  assert.equal(same.code, 0, same.err);
  assert.match(
    same.out,
    /^\[✓\] 2 nodes: Success\n {2}web-1, web-2\n {4}same\n\n2 of 2 nodes: 2 Success\.\nCommand /,
  );
  assert.equal((await run('WEB-*', 'env=test', '--', 'id')).code, 2);

  const third = others[1]?.nodeId ?? '';
  const mixed = await run(
    '--all',
    '--',
    `test "$AWS_SSM_INSTANCE_ID" = ${third} && { echo no >&2; exit 4; }; echo yes`,
  );
  assert.equal(mixed.code, 1);
  assert.match(
    mixed.out,
    /^\[✗\] 1 node: Failed, exit code 4\n {2}db-1\n[\s\S]*\[✓\] 2 nodes: Success\n {2}web-1, web-2\n {4}yes\n/,
  );
  assert.match(mixed.out, /^3 of 3 nodes: 1 Failed, 2 Success\.$/m);
  for (const line of mixed.out.split('\n')) assert.ok(widthOf(line) <= 80, line);

  const json = await run('env=prod', '--json', '--', 'echo hi');
  const lines = json.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.slice(0, 2).map((line) => [line.Status, line.Steps[0].StandardOutput]),
    [
      ['Success', 'hi\n'],
      ['Success', 'hi\n'],
    ],
  );
  assert.equal(lines[2].TargetCount, 2);
  assert.match(lines[2].RequestedDateTime, /Z$/);
  assert.equal(json.err, '');
});

test('on a terminal the results come one by one above a line that moves', async () => {
  const { err, out } = await ask(['run', 'web-*', '--', 'echo hi'], { isTTY: true });
  assert.match(err, /^Command \S+, to 2 nodes\n/);
  assert.match(err, /\[✓\]\S* web-1 {2}hi\n/);
  assert.ok(err.endsWith('\r\u001b[K'), JSON.stringify(err));
  assert.match(out, /2 of 2 nodes/);
  const json = await ask(['run', 'web-*', '--json', '--', 'echo hi'], { isTTY: true });
  assert.equal(json.out.trimEnd().split('\n').length, 3);
  assert.match(json.err, /0 of 2\S*\r\u001b\[K/);
});

test('sent without waiting, listed, watched, shown, cancelled', async () => {
  const sent = await run('web-*', '--no-wait', '--comment', 'a test', '--', 'echo began; sleep 300');
  assert.equal(sent.code, 0, sent.err);
  const id = commandIn(sent.out);
  // It is sent; that a node has it is known a moment later.
  const listed = await until(
    () => ask(['commands', '--node', 'web-2', '--status', 'InProgress', '--since', '1h']),
    (each) => each.out.startsWith(id),
  );
  assert.match(
    listed.out,
    new RegExp(`^${id}  \\S+ \\S+  InProgress\n    0 of 2 nodes  echo began; sleep 300  \\(a test\\)\n`),
  );
  for (const line of listed.out.split('\n')) assert.ok(widthOf(line) <= 80, line);
  assert.match(listed.out, /^1 command, newest first, which is all\.$/m);
  const shown = await until(
    () => ask(['commands', id]),
    (each) => /InProgress, running/.test(each.out),
  );
  assert.match(shown.out, /running\n {2}web-1, web-2\n/);
  assert.match((await ask(['commands', id, '--node', 'web-1'])).err, /has not ended there/);

  const watching = ask(['commands', id, '--wait']);
  const one = await ask(['cancel', id, 'web-1']);
  assert.match(one.out, /Cancelled on 1 node\./);
  await ask(['cancel', id]);
  const watched = await watching;
  assert.equal(watched.code, 1);
  assert.match(watched.out, /\[✗\] 2 nodes: Cancelled, exit code 137\n {2}web-1, web-2\n {4}began\n/);
  assert.match((await ask(['cancel', id])).out, /It had ended already: Cancelled\./);
  assert.match((await ask(['commands', id])).out, /a test[\s\S]*2 of 2 nodes: 2 Cancelled\./);
  assert.equal((await ask(['cancel', id.replace(/./g, 'a')])).code, 2);
  assert.equal((await ask(['cancel', '00000000-0000-0000-0000-000000000000'])).code, 1);
});

test('Ctrl-C ends the watching, not the command', async () => {
  const main = path.join(import.meta.dirname, '../main.js');
  const child = spawn(
    process.execPath,
    [main, 'run', 'web-1', '--data', server.data, '--', 'sleep 3; echo done'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await until(
    () => ask(['commands', '--node', 'web-1', '--limit', '1', '--json']),
    (each) => JSON.parse(each.out).Commands[0]?.Parameters.commands[0] === 'sleep 3; echo done',
  );
  await sleep(200);
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  const id = commandIn(err);
  assert.match(
    err,
    new RegExp(
      `the command goes on.*\n.*\n {6}rollcall commands --data \\S+ ${id} --wait\n.*\n {6}rollcall cancel --data \\S+ ${id}\n`,
    ),
  );
  const rest = await ask(['commands', id, '--wait']);
  assert.equal(rest.out, 'done\n');
  assert.equal(rest.code, 0);
});

test('a server that restarts meanwhile is asked again', async () => {
  const { data, port } = server;
  const running = run('web-1', '--', 'sleep 3; echo done');
  await until(
    () => ask(['commands', '--node', 'web-1', '--limit', '1', '--json']),
    (each) => JSON.parse(each.out).Commands[0]?.Status === 'InProgress',
  );
  await server.kill();
  server = await startServer({ data, port });
  const { code, out, err } = await running;
  assert.equal(out, 'done\n', err);
  assert.equal(code, 0);
});

test('more than 20 nodes are asked about; without anybody to ask, nothing is sent', async () => {
  for (let n = 0; n < 21; n++) await registerNode(server, `far-${n}`, 'far=yes');
  const piped = await run('far-*', '--', 'id');
  assert.equal(piped.code, 2);
  assert.match(piped.err, /That is 21 nodes, and nobody here to ask.*--yes/);
  const no = await ask(['run', 'far=yes', '--', 'reboot'], { isTTY: true, stdin: '\n' });
  assert.equal(no.code, 2);
  assert.match(
    no.err,
    /on 21 nodes:\n {2}far-0 … far-20\n\n {2}reboot\n\n {2}21 nodes away now.*\n {2}all at once.*\nGo on\? \[y\/N\] Nothing was sent\.\n$/,
  );
  const yes = await ask(['run', 'far=yes', '--no-wait', '--', 'true'], { isTTY: true, stdin: 'y\n' });
  assert.match(yes.out, /Sent to 21 nodes/);
  const id = commandIn(yes.out);
  assert.match((await ask(['commands', id])).out, /Delayed, away.*\n {2}far-0 … far-20\n/);
  const cancelled = await ask(['cancel', id]);
  assert.match(cancelled.out, /Cancelled\. It has ended everywhere\./);
  const skipped = await run('far-*', '--yes', '--no-wait', '--', 'true');
  assert.equal(skipped.code, 0, skipped.err);
  await ask(['cancel', commandIn(skipped.out)]);
});

/** Asks again until the answer is as it must become. */
async function until<T>(look: () => Promise<T>, isThere: (seen: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const seen = await look();
    if (isThere(seen)) return seen;
    assert.ok(tries < 100, JSON.stringify(seen));
    await sleep(50);
  }
}
