/** The lines that machines join with, run by a real shell with stand-ins for curl and sudo. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ansibleLines, cloudInitLines, type JoinFacts, shellLines } from './lines.ts';

const facts: JoinFacts = {
  url: 'https://rollcall.dc1.example.internal:8443',
  keyPin: `${'A'.repeat(42)}+=`,
  activationId: '6f1e0a52-0000-4000-8000-000000000000',
  code: 'TJVTMJ5NQCEENNZAHGUVEL6G',
};

test('every line fits, and only the file ever holds the code', () => {
  for (const lines of [shellLines(facts), cloudInitLines(facts), ansibleLines(facts)])
    for (const line of lines) assert.ok(line.length <= 78, line);
  assert.ok(!ansibleLines(facts).join('\n').includes(facts.code));
  assert.equal(cloudInitLines(facts).filter((line) => line.includes(facts.code)).length, 1);
});

test('a shell runs them as meant: key pinned, code in a private file, arguments without it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const script = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(path.join(folder, name), 0o755);
  };
  script(
    'curl',
    'printf "%s\\n" "$@" > curl-args; printf "%s" \'printf "%s\\n" "$@" > args; stat -c %a code > mode; cat code > seen\'',
  );
  script('sudo', 'printf "%s\\n" "$@" > sudo-args; exec "$@"');
  const lines = shellLines({ ...facts, region: 'dc-tokyo' });
  execFileSync('/bin/sh', ['-ec', lines.join('\n')], {
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  const read = (name: string) => readFileSync(path.join(folder, name), 'utf8').trim();
  assert.deepEqual(read('curl-args').split('\n'), [
    '-fsSk',
    '--pinnedpubkey',
    `sha256//${facts.keyPin}`,
    `${facts.url}/enroll`,
  ]);
  assert.deepEqual(read('args').split('\n'), [
    '--activation-id',
    facts.activationId,
    '--code-file',
    'code',
    '--region',
    'dc-tokyo',
  ]);
  assert.ok(!read('sudo-args').includes(facts.code));
  assert.equal(read('mode'), '600');
  assert.equal(read('seen'), facts.code);
  assert.ok(!existsSync(path.join(folder, 'code')));
});

test('where nobody watches, a refused pin fails the line, and nothing runs', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  writeFileSync(path.join(folder, 'curl'), '#!/bin/sh\nexit 90\n');
  chmodSync(path.join(folder, 'curl'), 0o755);
  writeFileSync(path.join(folder, 'sh'), '#!/bin/sh\ntouch ran\n');
  chmodSync(path.join(folder, 'sh'), 0o755);
  const block = ansibleLines(facts).join('\n');
  const script = /shell: \|\n((?: {4}.*\n)+)/.exec(block)?.[1] ?? '';
  assert.match(script, /curl/);
  const options = { cwd: folder, env: { PATH: `${folder}:/usr/bin:/bin` } };
  assert.throws(() => execFileSync('/bin/sh', ['-c', script], options), { status: 90 });
  assert.ok(!existsSync(path.join(folder, 'ran')));
});
