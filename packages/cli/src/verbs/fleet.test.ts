/** Verbs around who should be there: roster, missing, pickable, events as they happen, activations that run out. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { run } from '../run.ts';
import { registerNode, startNode, type TestNode } from '../testing/agents.ts';
import { rollcall, testIo } from '../testing/io.ts';
import { verbs } from '../verbs.ts';

let server: TestServer;
let node: TestNode;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));

before(async () => {
  const port = await freePort();
  const urls = ['--public-url', `https://localhost:${port}`, '--public-url', 'https://rollcall.lan:8443'];
  server = await startServer({ port, flags: [...urls, '--region', 'us-east-1', '--region', 'dc-tokyo'] });
  node = await startNode(server, 'web-03');
});
after(async () => {
  await node?.stop();
  node?.remove();
  await server?.stop();
  server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (...args: string[]) => rollcall(args, { env: { ROLLCALL_DATA: server.data } });
const ok = async (...args: string[]) => {
  const { code, out, err } = await ask(...args);
  assert.equal(err, '', args.join(' '));
  assert.equal(code, 0, out);
  for (const line of out.split('\n')) assert.ok(widthOf(line) <= 80, `${args.join(' ')}: ${line}`);
  return out;
};
/** Runs a verb that goes on until Ctrl-C; answers what it has printed, and ends it. */
const going = (...args: string[]) => goingOn(false, args);
function goingOn(isTTY: boolean, args: readonly string[]) {
  const { io, outcome } = testIo({ env: { ROLLCALL_DATA: server.data, NO_COLOR: '1' }, isTTY });
  const ended = run(verbs, args, io);
  const printed = async (expected: RegExp) => {
    for (let tries = 0; tries < 200 && !expected.test(outcome().out); tries++) await sleep(50);
    assert.match(outcome().out, expected);
  };
  const interrupt = async () => {
    process.emit('SIGINT');
    await ended;
    assert.equal(outcome().code, 130);
    return outcome().out;
  };
  return { printed, interrupt };
}

test('a line for one machine, and an activation that lets more in with the code they have', async () => {
  const line = await ok('activation', 'line', '--name', 'gpu', '--tags', 'site=dc1');
  assert.match(line, /--pinnedpubkey 'sha256\/\//);
  assert.match(line, /https:\/\/rollcall\.lan:8443\/enroll/);
  const id = /--activation-id (\S+)/.exec(line)?.[1] ?? '';
  assert.match(line, new RegExp(`activation watch ${id}`));

  const like = await ok('activation', 'line', id, '--limit', '2');
  assert.match(like, new RegExp(`A code is told once, so this is a new activation, like\\n  ${id}`));
  const second = /--activation-id (\S+)/.exec(like)?.[1] ?? '';
  assert.notEqual(second, id);
  const { ActivationList } = JSON.parse(await ok('activation', 'list', '--json'));
  const made = ActivationList.find((each: { ActivationId: string }) => each.ActivationId === second);
  assert.deepEqual(
    [made.DefaultInstanceName, made.Tags, made.RegistrationLimit],
    ['gpu', [{ Key: 'site', Value: 'dc1' }], 2],
  );

  const renewed = await ok('activation', 'renew', id, '--limit', '5', '--expires', '3d');
  assert.match(renewed, new RegExp(`${id} lets machines in again`));
  assert.match(renewed, /Until \d{4}-.*; 0 of 5 used\. The code stays as it was/);
  const unknown = await ask('activation', 'renew', '6f1e0a52-0000-4000-8000-000000000000');
  assert.equal(unknown.code, 1);
  assert.equal((await ask('activation', 'renew', 'act-5d1c')).code, 2);
});

test('events come as they happen, of one node or of all', async () => {
  const all = going('events', '--follow', '--limit', '1');
  const json = going('events', node.nodeId, '--follow', '--json');
  await sleep(300);
  const other = await registerNode(server, 'db-12');
  await ok('node', 'deregister', 'db-12');
  await ok('node', 'deregister', 'web-03');
  await ok('node', 'restore', node.nodeId);
  await all.printed(new RegExp(`${other}[\\s\\S]*${node.nodeId}`));
  await json.printed(new RegExp(node.nodeId));
  const lines = (await json.interrupt()).trim().split('\n');
  for (const each of lines) assert.equal(JSON.parse(each).Subject, node.nodeId);
  await all.interrupt();
});

test('the list is watched: a page on a terminal, elsewhere a line for each change', async () => {
  const lines = going('nodes', '--watch');
  const page = goingOn(true, ['nodes', '--watch']);
  await lines.printed(/^\d of \d nodes? in us-east-1\.$/m);
  await page.printed(/Ctrl-C ends it/);
  const id = await registerNode(server, 'cache-1');
  await lines.printed(
    new RegExp(
      `^\\S+ \\S+  \\[✗\\] ${id}  cache-1\\n {4}new in the list: Connection Lost, channel none$`,
      'm',
    ),
  );
  await page.printed(new RegExp(id));
  await ok('node', 'deregister', id);
  await lines.printed(new RegExp(`${id}  cache-1\\n {4}not in this list any more`));
  await lines.interrupt();
  const drawn = (await page.interrupt()).split('\u001b[H\u001b[J').slice(1);
  assert.ok(drawn.length >= 3);
  for (const each of drawn) for (const line of each.split('\n')) assert.ok(widthOf(line) <= 80, line);
  // Who isn't Online stands first.
  assert.match(drawn[1] ?? '', /^NODE .*\n(mi-\w+ +\S+ +Connection Lost.*\n)+mi-\w+ +web-03 +Online/);
});

test('a roster from a file: read as what it is, missing machines named, gone ones retired', async () => {
  const file = path.join(folder, 'prod inventory.ini');
  writeFileSync(file, '[web]\nweb-03\nweb-04 ansible_host=10.0.4.4\n\n[db]\ndb-[01:02]\n');
  const dry = await ok('roster', 'import', file, '--dry-run');
  assert.match(dry, /^\[–\] prod-inventory: 4 machines, read as ansible\.$/m);
  assert.match(dry, /Nothing was changed/);
  assert.match(await ok('roster', 'list'), /The roster of us-east-1 is empty/);

  assert.match(await ok('roster', 'import', file), /\[✓\] prod-inventory: 4 machines.*\n {4}4 new\./);
  const list = await ok('roster', 'list');
  assert.match(list, new RegExp(`^web-03 +prod-inventory +always +${node.nodeId}$`, 'm'));
  assert.match(list, /^web-04 +prod-inventory +always +10\.0\.4\.4 +none$/m);
  const missing = await ok('nodes', '--missing');
  assert.doesNotMatch(missing, /web-03/);
  assert.match(missing, /^3 of 3 missing machines in us-east-1\.$/m);
  assert.match(missing, /rollcall why (web-04|db-0)/);
  const json = JSON.parse(await ok('nodes', '--missing', '--json'));
  assert.equal(json.Total, 3);
  assert.match(json.Machines[0].FirstSeenAt, /^\d{4}-.*Z$/);

  writeFileSync(file, 'web-03\nweb-04\ndb-01\n');
  assert.match(await ok('roster', 'import', file, '--format', 'ansible'), /1 not listed any more: retired/);
  assert.match(await ok('roster', 'list', '--retired'), /db-02 .* retired /);
  writeFileSync(file, 'name,mac\nweb-03,not-a-mac\n');
  const broken = await ask('roster', 'import', file, '--format', 'csv', '--source', 'other');
  assert.equal(broken.code, 1);
  assert.match(broken.err, /nothing was changed.*not-a-mac/);
  const odd = path.join(folder, 'odd');
  writeFileSync(odd, 'web-03\n');
  assert.match((await ask('roster', 'import', odd)).err, /What form .* --format/);
});

test('sources that the server reads: told from where and since when not', async () => {
  assert.match(
    await ok('roster', 'source', 'add', 'netbox', 'http://127.0.0.1:9/machines', '--every', '15m'),
    /netbox/,
  );
  let said = '';
  for (let tries = 0; tries < 50 && !said.includes("can't be read"); tries++) {
    await sleep(100);
    said = await ok('roster', 'source', 'list');
  }
  assert.match(
    said,
    /\[✗\] netbox +0 machines, never read\n {4}json, every 15 min\n {4}http:\/\/127\.0\.0\.1:9/,
  );
  assert.match(said, /can't be read, first \d+ s ago/);
  assert.match(said, /\[✓\] prod-inventory .*from a file/s);
  assert.match(
    await ok('roster', 'source', 'remove', 'netbox'),
    /netbox is gone from the roster, with 0 machines/,
  );
  assert.equal((await ask('roster', 'source', 'add', 'x', 'ftp://x')).code, 2);
  assert.equal((await ask('roster', 'source', 'add', 'x', 'https://u:p@x/y')).code, 2);
});
