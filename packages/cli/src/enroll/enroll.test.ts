/** Whole enrolments against a small server: what a user reads, and what is registered or not. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { authority, serverTls } from '../../../agent/src/testing/certificates.ts';
import { type FakeServer, startFakeServer } from '../../../agent/src/testing/fake-server.ts';
import { flat, rollcall } from '../testing/io.ts';

let server: FakeServer;
const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-enroll-'));
const code = path.join(folder, 'code');
const ca = path.join(folder, 'ca.pem');
before(async () => {
  server = await startFakeServer();
  writeFileSync(code, 'THE-ACTIVATION-CODE-2345\n');
  writeFileSync(ca, authority);
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

let roots = 0;
const newRoot = () => path.join(folder, `root-${++roots}`);
const enrol = (
  root: string,
  more: readonly string[] = [],
  trust: readonly string[] = ['--ca-file', ca],
  codeArgs: readonly string[] = ['--code-file', code],
) =>
  rollcall([
    'enroll',
    ...['--server', server.url, '--activation-id', 'an-activation', ...codeArgs],
    ...['--root', root, '--no-service', ...trust, ...more],
  ]);
const registrations = () => server.calls.filter(({ name }) => name === 'RegisterManagedInstance');

test('a machine is enrolled once, and told who it is from then on, without its code', async () => {
  const root = newRoot();
  const first = await enrol(root);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^\[✓\] .* glibc .*: supported$/m);
  assert.match(first.out, /^\[✓\] https:\/\/localhost:\d+ reached in \d+ ms, /m);
  assert.match(first.out, /^\[✓\] clock /m);
  assert.match(first.out, /^\[✓\] code accepted {2,}mi-[0-9a-f]{17}$/m);
  assert.match(first.out, /^\[–\] no service was installed: --no-service$/m);
  assert.match(first.out, /^ {2}.*rollcall enroll --foreground --root /m);
  assert.equal(registrations().at(-1)?.body.ActivationCode, 'THE-ACTIVATION-CODE-2345');
  const used = server.state.slotsUsed;
  const nodeId = /mi-[0-9a-f]{17}/.exec(first.out)?.[0];

  const gone = ['--code-file', path.join(folder, 'deleted')];
  const again = await enrol(
    root,
    ['--proxy', `http://localhost:1`, '--no-proxy', 'localhost,.lan'],
    undefined,
    gone,
  );
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, new RegExp(`already ${nodeId}`));
  assert.equal(server.state.slotsUsed, used);
  assert.deepEqual(JSON.parse(readFileSync(path.join(root, 'config.json'), 'utf8')), {
    proxy: 'http://localhost:1',
    noProxy: ['localhost', '.lan'],
  });
  for (const { out } of [first, again])
    for (const line of out.split('\n')) assert.ok(line.length <= 80 || /^ {2}\S/.test(line), line);
});

test('a node that the server has forgotten is told so, with both ways out', async () => {
  const root = newRoot();
  await enrol(root);
  server.state.knowsNodes = false;
  try {
    const again = await enrol(root);
    assert.equal(again.code, 1);
    assert.match(again.err, /rollcall node restore mi-/);
    assert.match(again.err, /leave --root /);
  } finally {
    server.state.knowsNodes = true;
  }
});

test('a machine of another server stays where it is', async () => {
  const root = newRoot();
  await enrol(root);
  const other = await enrol(root, ['--server', 'https://elsewhere.lan']);
  assert.equal(other.code, 1);
  assert.match(flat(other.err), /already mi-\w+ at https:\/\/localhost:\d+, region us-east-1/);
});

test('nothing is registered when the way is broken, and the reason is said', async () => {
  const before = server.calls.length;
  const closed = await startFakeServer();
  await closed.close();
  const stranger = createServer(serverTls, (_, response) => response.end('<h1>Welcome to the hotel</h1>'));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  const sha = 'a'.repeat(64);
  const cases: [readonly string[], readonly string[] | undefined, RegExp][] = [
    [['--server', 'https://no-such-name.invalid'], undefined, /name/],
    [['--server', `https://localhost:${closed.port}`], undefined, /--public-url/],
    [['--server', `https://localhost:${port}`], undefined, /address right/],
    [[], [], /vouches[\s\S]*sha256:[0-9a-f]{64}[\s\S]*--ca-fingerprint/],
    [[], ['--ca-fingerprint', `sha256:${sha}`], /old fingerprint[\s\S]*sha256:[0-9a-f]{64}/],
  ];
  try {
    for (const [more, trust, reason] of cases) {
      const root = newRoot();
      const outcome = await enrol(root, more, trust);
      assert.equal(outcome.code, 1, outcome.out);
      assert.match(outcome.out, /^\[✗\] https:.* can't be used from here$/m);
      assert.match(outcome.out, /stops here/);
      assert.match(outcome.err, reason);
      assert.match(outcome.err, /Nothing was registered, and no activation was used\./);
      assert.equal(existsSync(root), false);
    }
  } finally {
    stranger.close();
  }
  assert.equal(server.calls.slice(before).filter(({ name }) => name === 'RegisterManagedInstance').length, 0);
});

test('a clock that is wrong stops it, with the seconds', async () => {
  server.state.clockAhead = 1_000_000;
  try {
    const outcome = await enrol(newRoot());
    assert.equal(outcome.code, 1);
    assert.match(outcome.err, /off by (999|1000|1001) s/);
    assert.match(outcome.err, /timedatectl/);
  } finally {
    server.state.clockAhead = 0;
  }
});

test('the fingerprint of the authority is enough', async () => {
  const shown = await enrol(newRoot(), [], []);
  const fingerprint = /sha256:[0-9a-f]{64}/.exec(shown.err)?.[0] ?? '';
  const outcome = await enrol(newRoot(), [], ['--ca-fingerprint', fingerprint]);
  assert.equal(outcome.code, 0, outcome.err);
  assert.match(outcome.out, /authority is the pinned one/);
});

test("a refusal is the server's reason and the next step", async () => {
  const cases: [string, RegExp][] = [
    ['ActivationExpired', /activation renew ID/],
    ['RegistrationLimitExceeded', /activation renew ID --limit N/],
    ['InvalidActivation', /Compare ID and code/],
    ['SomethingNew', /rollcall knocks/],
  ];
  for (const [refusal, next] of cases) {
    server.mischief.set('RegisterManagedInstance', { status: 400, code: refusal });
    const outcome = await enrol(newRoot());
    server.mischief.delete('RegisterManagedInstance');
    assert.equal(outcome.code, 1);
    assert.match(outcome.err, new RegExp(`The server refused \\(${refusal}\\)`));
    assert.match(outcome.err, next);
  }
});

test('a code on the command line is warned about; from standard input it is not', async () => {
  const visible = await enrol(newRoot(), [], undefined, ['--activation-code', 'CODE-IN-SIGHT']);
  assert.equal(visible.code, 0);
  assert.match(visible.err, /can be read by everybody/);
  const hidden = await rollcall(
    [
      'enroll',
      '--server',
      server.url,
      '--activation-id',
      'a',
      '--code-file',
      '-',
      '--root',
      newRoot(),
      '--no-service',
      '--ca-file',
      ca,
    ],
    { stdin: 'FROM-STDIN\n' },
  );
  assert.equal(hidden.code, 0, hidden.err);
  assert.equal(hidden.err, '');
  assert.equal(registrations().at(-1)?.body.ActivationCode, 'FROM-STDIN');
});

test('what is typed wrongly is one sentence and exit 2', async () => {
  const cases: [readonly string[], RegExp][] = [
    [['--server', 'http://localhost'], /--server must be https/],
    [['--ca-fingerprint', 'abc'], /one thing|64 hexadecimal/],
    [['--activation-code', 'x'], /two ways/],
    [['--proxy', 'ftp://x'], /--proxy must be/],
    [['--foreground'], /Give one/],
    [['--code-file', path.join(folder, 'none')], /can't be read/],
  ];
  for (const [more, sentence] of cases) {
    const outcome = await enrol(newRoot(), more);
    assert.equal(outcome.code, 2, `${more}: ${outcome.err}`);
    assert.match(outcome.err, sentence);
  }
});

test('leaving removes what enrolling wrote, lists it, and names what stays', async () => {
  const root = newRoot();
  const { out } = await enrol(root);
  const nodeId = /mi-[0-9a-f]{17}/.exec(out)?.[0];
  const left = await rollcall(['leave', '--root', root]);
  assert.equal(left.code, 0, left.err);
  assert.ok(left.out.includes(`  ${root}/identity.json\n`));
  assert.match(left.out, new RegExp(`rollcall node deregister ${nodeId}`));
  assert.equal(existsSync(root), false);
  const again = await rollcall(['leave', '--root', root]);
  assert.equal(again.code, 1);
  assert.match(again.err, /Nothing of an agent/);
  const program = await rollcall(['leave', '--root', root, '--program']);
  assert.equal(program.code, 2);
  assert.match(program.err, /wasn't installed by the enrolment script/);
});
