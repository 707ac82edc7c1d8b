/** The script as shells read it; what it does with a server is tried in the slow suite. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { enrolmentScript } from './script.ts';

const facts = {
  serverUrl: 'https://rollcall.lan:8443',
  region: 'us-east-1',
  caCertificate: '-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n',
  platforms: ['linux-x64'],
  version: '1.0.0-abc',
};
const script = enrolmentScript(facts);

const shells = ['sh', 'dash', 'bash', 'busybox'].filter(
  (shell) => spawnSync(shell, shell === 'busybox' ? ['sh', '-c', ':'] : ['-c', ':']).status === 0,
);
const run = (shell: string, args: readonly string[], input: string) =>
  spawnSync(shell, [...(shell === 'busybox' ? ['sh'] : []), ...args], { input, encoding: 'utf8' });

test('every shell that is here can read it', () => {
  assert.ok(shells.includes('sh'));
  for (const shell of shells) {
    const { status, stderr } = run(shell, ['-n'], script);
    assert.deepEqual([shell, status, stderr], [shell, 0, '']);
  }
});

test('cut short anywhere, it does nothing', () => {
  for (const part of [0.3, 0.6, 0.9, 0.99]) {
    const { stdout } = run('sh', ['-s'], script.slice(0, Math.floor(script.length * part)));
    assert.equal(stdout, '');
  }
});

test('what it is given arrives whole, whatever is in it', () => {
  const strange = ["it's", 'a b', '$(touch /tmp/never)', '`x`', '"', '\\', '*', ''];
  const shown = script
    .replace(/^main\(\) \{$/m, 'main() {\n  root() { :; }')
    .replace(/\[ "\$\(id -u\)" = 0 \][\s\S]*?set -- --server/, 'set -- --server')
    .replace(/ {2}\[ -z "\$ca" \] \|\| set -- "\$@" --ca-file.*\n/, '')
    .replace('"$prefix/rollcall" enroll "$@"', `printf '<%s>\\n' "$@"`);
  for (const shell of shells) {
    const { stdout } = run(shell, ['-s', '--', ...strange, '--prefix', '/p'], shown);
    const words = ['--server', facts.serverUrl, '--region', 'us-east-1', ...strange];
    assert.equal(stdout, words.map((word) => `<${word}>\n`).join(''), shell);
  }
});

test('no fact can end its quotes', () => {
  const hostile = enrolmentScript({ ...facts, serverUrl: "https://x'; touch /tmp/never; '" });
  assert.ok(hostile.includes(`server='https://x'\\''; touch /tmp/never; '\\'''`));
});

test('a machine without root is told so before anything is looked at', {
  skip: process.getuid?.() !== 0,
}, () => {
  const { status, stderr } = spawnSync('sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    uid: 65534,
    gid: 65534,
  });
  assert.equal(status, 1);
  assert.match(stderr, /needs root/);
});
