/** Why a machine isn't there: asked of a real server, about machines that are there, lost, gone, and unknown. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { registerNode, startNode, type TestNode } from '../testing/agents.ts';
import { flat, rollcall } from '../testing/io.ts';

let server: TestServer;
let node: TestNode;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));

before(async () => {
  server = await startServer();
  node = await startNode(server, 'web-03');
  const isOpen = async () => JSON.parse((await ask(['nodes', '--json'])).out).Nodes[0].ChannelOpen;
  for (let tries = 0; tries < 100 && !(await isOpen()); tries++) await sleep(50);
});
after(async () => {
  await node?.stop();
  node?.remove();
  await server?.stop();
  server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  rollcall(args, { env: { ROLLCALL_DATA: server.data, ...env } });
const why = async (...args: string[]) => {
  const answer = await ask(['why', ...args]);
  for (const line of answer.out.split('\n')) assert.ok(widthOf(line) <= 80, `${args.join(' ')}: ${line}`);
  return answer;
};

test('a node that is there: three times yes, and the same record as JSON', async () => {
  const { code, out, err } = await why('web-03');
  assert.equal(code, 0, out + err);
  assert.match(out, new RegExp(`^web-03 +${node.nodeId} `));
  assert.match(out, /^In the list\? +yes {3}Online/m);
  assert.match(out, /Nothing to do\.\n$/);
  const record = JSON.parse((await why(node.nodeId, '--json')).out);
  assert.deepEqual([record.version, record.state, record.answers.working], [1, 'well', 'yes']);
  assert.match((await why('web-03', '--lang', 'ja')).out, /^一覧に出るか/m);
  const japanese = await ask(['why', 'web-03'], { LANG: 'ja_JP.UTF-8' });
  assert.match(japanese.out, /^一覧に出るか/m);
  const ascii = await ask(['why', 'web-03'], { LANG: 'C' });
  assert.match(ascii.out, /^\[ok\] /m);
  assert.doesNotMatch(ascii.out, /[^\n\x20-\x7e]/);
});

test('picked for a document or not: the exit code answers what was asked', async () => {
  assert.equal((await why('web-03', '--for', 'AWS-RunShellScript')).code, 0);
  const windows = await why('web-03', '--for', 'AWS-InstallPowerShellModule');
  assert.equal(windows.code, 1);
  assert.match(windows.out, /list-filtered-by-platform/);

  const can = await ask(['nodes', '--for', 'AWS-RunShellScript']);
  assert.equal(can.code, 0, can.err);
  assert.match(can.out, /^AWS-RunShellScript runs on Linux/);
  assert.match(can.out, new RegExp(`^Can be picked +1 of 1\\n {2}${node.nodeId} +web-03 .* Online$`, 'm'));
  const cannot = await ask(['nodes', '--for', 'AWS-InstallPowerShellModule']);
  assert.equal(cannot.code, 1);
  assert.match(cannot.out, /^Can be picked +0 of 1$/m);
  assert.match(cannot.out, /^Can't be picked, and why +1\n {2}1 {2}platform: Linux\n {5}web-03$/m);
  assert.equal((await ask(['nodes', '--for', 'NoSuchDocument'])).code, 1);
  assert.equal((await ask(['nodes', '--for', 'x', '--missing'])).code, 2);
});

test('nobody of that name, and several of it: told apart, and neither is judged', async () => {
  const stranger = await why('no-such-machine');
  assert.notEqual(stranger.code, 0);
  assert.match(stranger.out, /Nothing in us-east-1 is called "no-such-machine"/);
  const twins = [await registerNode(server, 'twin'), await registerNode(server, 'twin')];
  const several = await why('twin');
  assert.equal(several.code, 2);
  assert.match(several.out, /"twin" may be any of 2; none was judged/);
  for (const id of twins) assert.match(several.out, new RegExp(`^${id} +twin +us-east-1`, 'm'));
});

test('who was deregistered is waited for in vain, and that is said at once', async () => {
  const id = await registerNode(server, 'db-12');
  const young = await why('db-12');
  assert.equal(young.code, 1);
  assert.match(young.out, /it is younger than 5 min, and nothing was refused/);
  assert.equal((await ask(['node', 'deregister', id])).code, 0);
  const began = performance.now();
  const waited = await ask(['wait', id, '--timeout', '60s']);
  assert.ok(performance.now() - began < 10_000);
  assert.equal(waited.code, 1);
  assert.match(waited.out, /\[✗\] mi-\w+ never will be Online by itself\./);
  assert.match(waited.out, /deregistered .* by\n?.*user\/admin/s);
  assert.match(waited.out, new RegExp(`rollcall node restore ${id}`));
});

test('what was seen on the machine is judged with what the server knows', async () => {
  const seen = await rollcall(['doctor', '--server', server.url, '--bundle', 'bundle.json', '--json'], {
    cwd: folder,
  });
  assert.match(seen.err, /bundle\.json: what was seen, without passwords and keys/);
  const bundle = path.join(folder, 'bundle.json');
  const joined = await why('web-03', '--evidence', bundle, '--json');
  assert.ok([0, 1, 2].includes(joined.code), joined.err);
  assert.equal(JSON.parse(joined.out).subject.nodeId, node.nodeId);
  writeFileSync(path.join(folder, 'verdict.json'), joined.out);
  for (const [text, expected] of [
    ['verdict.json', /holds a verdict/],
    ['nothing', /can't be read/],
  ] as const) {
    const wrong = await why('web-03', '--evidence', path.join(folder, text));
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, expected);
  }
  const cut = await rollcall(['why', 'web-03', '--evidence', '-'], {
    env: { ROLLCALL_DATA: server.data },
    stdin: '----- BEGIN ROLLCALL EVIDENCE -----\n:meta format=1\n',
  });
  assert.equal(cut.code, 2);
  assert.match(flat(cut.err), /isn't whole: .*Copy all of it/);
});

test('by ssh the script goes in and its block comes back; who is not reached is a warning', async () => {
  // The machine at the other end is this one: what ssh would run there runs here.
  writeFileSync(path.join(folder, 'ssh'), '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
  chmodSync(path.join(folder, 'ssh'), 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const reached = await ask(['why', 'web-03', '--via', 'ssh://web-03', '--json'], env);
  assert.equal(reached.err, '');
  assert.ok(JSON.parse(reached.out).gates.some((gate: { state: string }) => gate.state === 'passed'));

  writeFileSync(path.join(folder, 'ssh'), '#!/bin/sh\necho "Permission denied (publickey)." >&2\nexit 255\n');
  const refused = await ask(['why', 'web-03', '--via', 'ssh://root@web-03'], env);
  assert.equal(refused.code, 0, refused.out + refused.err);
  assert.match(refused.err, /\[!\] web-03 can't be reached over ssh: Permission denied/);
  assert.match(refused.out, /Nothing to do/);
  assert.equal((await ask(['why', 'web-03', '--via', 'ssh://-oProxyCommand=x'], env)).code, 2);
});

test('everybody at once: the server first, then who should be there and is not', async () => {
  const inventory = path.join(folder, 'inventory.csv');
  writeFileSync(inventory, 'name,expected\nweb-03,always\nweb-04,retired\n');
  assert.equal((await ask(['roster', 'import', inventory])).code, 0);
  const all = await why('--all');
  assert.match(all.out, /^\d+ expected {3}\d+ there/);
  assert.match(all.out, /^Server: healthy\.$/m);
  assert.match(all.out, /^Roster: inventory a minute old\.$/m);
  assert.match(all.out, /^Not counted: .*1 retired/m);
  const json = JSON.parse((await why('--all', '--json')).out);
  assert.equal(json.Counts.Retired, 1);
  assert.equal(all.code, json.Groups.length > 0 ? 1 : 0);
  assert.match((await why('--all', '--lang', 'ja')).out, /^サーバー: 正常$/m);
  assert.equal((await why('--all', 'web-03')).code, 2);
});
