/** Trust given and taken back, on machines that are folders; Debian's own command is tried where it is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { authority, successor } from '../../../agent/src/testing/certificates.ts';
import { type FakeServer, startFakeServer } from '../../../agent/src/testing/fake-server.ts';
import { certificatesIn, fingerprintOf } from '../enroll/door.ts';
import type { Failure } from '../failure.ts';
import { runCommand } from '../machine.ts';
import { testIo } from '../testing/io.ts';
import { type FakeCommand, type TestMachine, testMachine } from '../testing/machine.ts';
import { findStore } from './store.ts';
import { readTarget, trustServer, untrustServer } from './trust.ts';

let server: FakeServer;
before(async () => {
  server = await startFakeServer();
});
after(() => server.close());

const fingerprint = fingerprintOf(certificatesIn(authority)[0]!);
const other = fingerprintOf(certificatesIn(successor)[0]!);
const debian = '/usr/local/share/ca-certificates';
const ours = (machine: TestMachine, folder = debian) =>
  existsSync(machine.path(folder)) ? readdirSync(machine.path(folder)) : [];

/** A Debian on which the command does what the real one does: one bundle of all there is. */
function debianMachine(
  options: { root?: boolean } = {},
  more: Record<string, FakeCommand> = {},
): TestMachine {
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  const machine: TestMachine = testMachine(
    {
      'update-ca-certificates': () => {
        const texts = ours(machine).map((name) =>
          readFileSync(machine.path(path.join(debian, name)), 'utf8'),
        );
        machine.put(bundle, texts.join(''));
        return undefined;
      },
      ...more,
    },
    options,
  );
  mkdirSync(machine.path(debian), { recursive: true });
  return machine;
}

async function trust(
  machine: TestMachine,
  given: string | undefined,
  options: Parameters<typeof testIo>[0] = {},
) {
  const { io, outcome } = testIo(options);
  if (options?.isTTY)
    Object.assign(io, { stdin: Object.assign(Readable.from([options.stdin]), { isTTY: true }) });
  const failure = await trustServer(readTarget(server.url, given, undefined), io, machine).catch(
    (e: Failure) => e,
  );
  return { ...outcome(), failure: failure?.message ?? '' };
}

test('a known fingerprint adds the authority; what changed and the undo are said', async () => {
  const machine = debianMachine();
  const done = await trust(machine, fingerprint);
  assert.equal(done.failure, '');
  const name = `rollcall-${fingerprint.slice(7, 23)}.crt`;
  assert.deepEqual(ours(machine), [name]);
  assert.equal(readFileSync(machine.path(`${debian}/${name}`), 'utf8').trim(), authority.trim());
  assert.ok(done.out.includes(`added    ${debian}/${name}`));
  assert.ok(done.out.includes('is in    /etc/ssl/certs/ca-certificates.crt'));
  assert.ok(done.out.includes(`sudo rollcall untrust ${server.url} \\\n  ${fingerprint}`));
  for (const line of done.out.split('\n')) assert.ok(line.length <= 80, line);

  const again = await trust(machine, fingerprint);
  assert.match(again.out, /trusted already/);
  assert.equal(machine.ran.length, 1);
});

test('another fingerprint than the given one changes nothing', async () => {
  const machine = debianMachine();
  const done = await trust(machine, other);
  assert.match(done.failure, /another authority than the given one/);
  assert.ok(done.failure.includes(fingerprint));
  assert.deepEqual([ours(machine), machine.ran], [[], []]);
});

test('without a fingerprint a person is asked, and a script gets the line to run', async () => {
  const machine = debianMachine();
  const script = await trust(machine, undefined);
  assert.ok(script.failure.includes(`sudo rollcall trust ${server.url} \\\n  ${fingerprint}`));
  const no = await trust(machine, undefined, { isTTY: true, stdin: 'n\n' });
  assert.ok(no.out.includes(fingerprint));
  assert.match(no.failure, /Nothing was changed/);
  assert.deepEqual(ours(machine), []);
  const yes = await trust(machine, undefined, { isTTY: true, stdin: 'yes\n' });
  assert.equal(yes.failure, '');
  assert.equal(ours(machine).length, 1);
});

test('who is not root is told what to run', async () => {
  const machine = debianMachine({ root: false });
  const done = await trust(machine, fingerprint);
  assert.match(done.failure, /Only root/);
  assert.deepEqual(ours(machine), []);
});

test("when the system's command fails, the file is gone again", async () => {
  const machine = testMachine({ 'update-ca-certificates': () => ({ code: 1, output: 'disk full\n' }) });
  mkdirSync(machine.path(debian), { recursive: true });
  const done = await trust(machine, fingerprint);
  assert.match(done.failure, /update-ca-certificates failed: disk full/);
  assert.deepEqual(ours(machine), []);
});

test('untrust removes it, by the server or, when that is gone, by the fingerprint', async () => {
  const machine = debianMachine();
  const { io, outcome } = testIo();
  await trust(machine, fingerprint);
  await untrustServer(readTarget(server.url, undefined, undefined), io, machine);
  assert.deepEqual(ours(machine), []);
  assert.match(outcome().out, /no longer trusts/);
  assert.equal(readFileSync(machine.path('/etc/ssl/certs/ca-certificates.crt'), 'utf8'), '');

  await trust(machine, fingerprint);
  const gone = 'https://localhost:1';
  await assert.rejects(
    untrustServer(readTarget(gone, undefined, undefined), io, machine),
    (error: Failure) => {
      assert.ok(error.message.includes(`sudo rollcall untrust ${gone} \\\n  ${fingerprint}`));
      return true;
    },
  );
  await assert.rejects(
    untrustServer(readTarget(server.url, other, undefined), io, machine),
    /was not added here/,
  );
  await untrustServer(readTarget(gone, fingerprint, undefined), io, machine);
  assert.deepEqual(ours(machine), []);
  await assert.rejects(
    untrustServer(readTarget(gone, fingerprint, undefined), io, machine),
    /Nothing to undo/,
  );
});

test('each system has its own folder and command', () => {
  const system = (command: string, folder: string, platform = 'linux') => {
    const machine = testMachine({ [command]: () => undefined }, { platform });
    mkdirSync(machine.path(folder), { recursive: true });
    return findStore(machine);
  };
  const cases: [string, string, string][] = [
    ['update-ca-certificates', '/usr/local/share/ca-certificates', 'update-ca-certificates'],
    ['update-ca-certificates', '/etc/pki/trust/anchors', 'update-ca-certificates'],
    ['update-ca-trust', '/etc/pki/ca-trust/source/anchors', 'update-ca-trust extract'],
    ['update-ca-trust', '/etc/ca-certificates/trust-source/anchors', 'update-ca-trust'],
  ];
  for (const [command, folder, update] of cases) {
    const store = system(command, folder);
    assert.deepEqual([store.folder, store.update.join(' ')], [folder, update]);
  }
  assert.throws(() => findStore(testMachine()), /install the package ca-certificates/);
});

test('on macOS the keychain is told, and told again', async () => {
  const machine = testMachine({ security: () => undefined }, { platform: 'darwin' });
  const done = await trust(machine, fingerprint);
  assert.match(done.out, /keychain \/Library\/Keychains\/System\.keychain/);
  assert.match(machine.ran[0] ?? '', /^security add-trusted-cert -d -r trustRoot -k \S+ .*\.crt$/);
  const { io } = testIo();
  await untrustServer(readTarget(server.url, fingerprint, undefined), io, machine);
  assert.match(machine.ran[1] ?? '', /^security remove-trusted-cert -d .*\.crt$/);
  assert.match(machine.ran[2] ?? '', /^security delete-certificate -Z [0-9A-F]{40} /);
});

test('the official agent: a restart is named, or the other file that it reads', async () => {
  const show = (environment: string) => () => ({
    code: 0,
    output: `LoadState=loaded\nEnvironment=${environment}\n`,
  });
  const plain = await trust(debianMachine({}, { systemctl: show('') }), fingerprint);
  assert.match(plain.out, /systemctl restart amazon-ssm-agent/);
  const elsewhere = debianMachine({}, { systemctl: show('A=b SSL_CERT_FILE=/etc/own.pem') });
  assert.match((await trust(elsewhere, fingerprint)).out, /reads\s+\/etc\/own\.pem/);
});

const real = '/usr/sbin/update-ca-certificates';
const takesFolders = existsSync(real) && readFileSync(real, 'latin1').includes('--localcertsdir');
test("Debian's own command takes the file in, and forgets it", { skip: !takesFolders }, async () => {
  const machine = debianMachine();
  const certificates = machine.path('/etc/ssl/certs');
  mkdirSync(certificates, { recursive: true });
  mkdirSync(machine.path('/hooks'));
  mkdirSync(machine.path('/certs'));
  writeFileSync(machine.path('/conf'), '');
  const folders = {
    '--certsdir': machine.path('/certs'),
    '--certsconf': machine.path('/conf'),
    '--localcertsdir': machine.path(debian),
    '--etccertsdir': certificates,
    '--hooksdir': machine.path('/hooks'),
  };
  const run: TestMachine['run'] = (_, args) => runCommand(real, [...args, ...Object.entries(folders).flat()]);
  const onIt = { ...machine, run };
  const done = await trust(onIt, fingerprint);
  assert.equal(done.failure, '');
  assert.match(done.out, /is in {4}\/etc\/ssl\/certs\/ca-certificates\.crt/);
  const verified = execFileSync('openssl', ['verify', '-CApath', certificates], {
    input: authority,
    encoding: 'utf8',
  });
  assert.match(verified, /OK/);
  const { io } = testIo();
  await untrustServer(readTarget(server.url, fingerprint, undefined), io, onIt);
  assert.deepEqual(
    readdirSync(certificates).filter((name) => name !== 'ca-certificates.crt'),
    [],
  );
});
