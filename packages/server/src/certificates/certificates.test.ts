/** What a client notices of our certificates: whom it may trust for what, and that they renew themselves. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { type ManualClock, manualClock } from '../clock.ts';
import { loadSuccessor } from './authority.ts';
import { readConstraints } from './constraints.ts';
import {
  CertificateError,
  type CertificateOptions,
  type CertificateProblem,
  covers,
  openCertificates,
} from './index.ts';
import { fingerprint, issueServer, makeAuthority, newKey } from './issue.ts';

const day = 86_400_000;

interface Scene {
  readonly directory: string;
  readonly clock: ManualClock;
  addresses: string[];
  publicUrls: string[];
  open(more?: Partial<CertificateOptions>): ReturnType<typeof openCertificates>;
}

function scene(t: TestContext, more: { publicUrls?: string[]; domain?: string } = {}): Scene {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-certificates-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const made: Scene = {
    directory,
    clock: manualClock(Date.now()), // node:tls judges validity by the real clock
    addresses: ['192.168.7.9', 'fd00::9', '203.0.113.5'],
    publicUrls: more.publicUrls ?? [],
    open: (options = {}) =>
      openCertificates({
        directory,
        clock: made.clock,
        names: {
          publicUrls: made.publicUrls,
          regions: ['us-east-1'],
          hostNames: () => ['kenji-x1'],
          addresses: () => made.addresses,
          ...(more.domain === undefined ? {} : { domain: more.domain }),
        },
        ...options,
      }),
  };
  return made;
}

/** Connects as a Node client that trusts `ca` and asks for `name`; the error code, or `ok`. */
async function meet(context: { cert: string; key: string }, ca: string, name: string): Promise<string> {
  const server = createServer(context, (socket) => socket.end()).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const servername = /^[\d.]+$|:/.test(name) ? '' : name;
      const socket = connect({
        port,
        host: '127.0.0.1',
        ca,
        servername,
        checkServerIdentity: (_, peer) => {
          const certificate = new X509Certificate(peer.raw);
          const fits = servername === '' ? certificate.checkIP(name) : certificate.checkHost(name);
          return fits === undefined ? Object.assign(new Error(), { code: 'WRONG_NAME' }) : undefined;
        },
      });
      socket.on('secureConnect', () => resolve('ok'));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'UNSPECIFIED' ? error.message : (error.code ?? error.message)),
      );
      socket.on('close', () => socket.destroy());
    });
  } finally {
    server.close();
  }
}

function refused(problem: CertificateProblem, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.problem, problem);
    assert.match(error.message, message);
    return true;
  };
}

test('the first start makes a CA and a server certificate that clients accept by every name', async (t) => {
  const certificates = scene(t, {
    publicUrls: ['https://rollcall.example.org:8443'],
    domain: 'ssm.example.net',
  }).open();
  t.after(() => certificates.close());
  for (const name of [
    'localhost',
    '127.0.0.1',
    '::1',
    'rollcall.example.org',
    'kenji-x1',
    '192.168.7.9',
    'fd00::9',
    'ssmmessages.us-east-1.ssm.example.net',
  ]) {
    assert.equal(await meet(certificates.context(), certificates.caCertificate, name), 'ok', name);
    assert.ok(covers(certificates.names, name), name);
  }
  assert.equal(await meet(certificates.context(), certificates.caCertificate, 'example.org'), 'WRONG_NAME');
  assert.deepEqual(certificates.leftOut, ['203.0.113.5']);
  assert.match(certificates.caName, /^Rollcall CA [0-9A-F]{4} [0-9A-F]{4}$/);
});

test('a certificate for a name outside the constraints is refused by clients, even under our CA', async (t) => {
  const key = newKey();
  const clock = Date.now();
  const stage = scene(t);
  const certificates = stage.open();
  t.after(() => certificates.close());
  const { createPrivateKey } = await import('node:crypto');
  const authority = {
    certificate: new X509Certificate(certificates.caCertificate),
    key: createPrivateKey(readFileSync(join(stage.directory, 'ca.key'))),
  };
  for (const names of [
    { dns: ['bank.example.com'], addresses: [] },
    { dns: ['localhost'], addresses: ['203.0.113.5'] },
    { dns: ['localhost'], addresses: ['2001:db8::1'] },
  ]) {
    const forged = issueServer(authority, key, clock, names);
    const context = { cert: forged.toString(), key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
    const name = names.dns[0]!;
    assert.equal(
      await meet(context, certificates.caCertificate, name),
      'permitted subtree violation',
      JSON.stringify(names),
    );
  }
});

test('the files are whole, keys are private, and the next start serves the same', (t) => {
  const { directory, open } = scene(t);
  const first = open();
  first.close();
  assert.deepEqual(readdirSync(directory).sort(), ['ca.crt', 'ca.key', 'server.crt', 'server.key']);
  assert.equal(statSync(join(directory, 'ca.key')).mode & 0o777, 0o600);
  assert.equal(statSync(join(directory, 'server.key')).mode & 0o777, 0o600);
  const second = open();
  second.close();
  assert.equal(second.caFingerprint, first.caFingerprint);
  assert.equal(second.keyPin, first.keyPin);
  assert.equal(second.context().cert, first.context().cert);
});

test('when two thirds of its life have passed it is re-issued, with the same key', (t) => {
  const { clock, open } = scene(t);
  const certificates = open();
  t.after(() => certificates.close());
  const [pin, end, served] = [certificates.keyPin, certificates.notAfter, certificates.context().cert];
  const leaf = new X509Certificate(served);
  assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 398 * day);
  assert.ok(leaf.validFromDate.getTime() <= clock.now() - 6.9 * day, 'clients with a late clock accept it');
  certificates.close();
  const again = open({ clock: manualClock(clock.now() + 61 * day) });
  t.after(() => again.close());
  assert.equal(again.keyPin, pin);
  assert.ok(again.notAfter > end);
  assert.notEqual(again.context().cert, served);
});

test('it renews itself while running', (t) => {
  const { clock, open } = scene(t);
  open().close();
  const late = manualClock(clock.now() + 60 * day - 3_600_000);
  const certificates = open({ clock: late });
  t.after(() => certificates.close());
  let changes = 0;
  certificates.onChange(() => changes++);
  const until = certificates.notAfter;
  late.advance(3_000_000);
  assert.equal(changes, 0);
  late.advance(3_000_000);
  assert.equal(changes, 1);
  assert.ok(certificates.notAfter > until);
});

test('while running, a new address is covered within a minute, and gone ones go', (t) => {
  const stage = scene(t);
  const certificates = stage.open();
  t.after(() => certificates.close());
  const pin = certificates.keyPin;
  let changes = 0;
  certificates.onChange(() => changes++);
  stage.clock.advance(10 * 60_000);
  assert.equal(changes, 0, 'nothing changed');
  stage.addresses = ['10.1.2.3'];
  stage.clock.advance(60_000);
  assert.equal(changes, 1);
  assert.ok(covers(certificates.names, '10.1.2.3'));
  assert.ok(!covers(certificates.names, '192.168.7.9'));
  assert.equal(certificates.keyPin, pin);
});

test('a public name outside the CA needs a successor, which is handed out before it serves', async (t) => {
  const stage = scene(t);
  const first = stage.open();
  first.close();
  stage.publicUrls = ['https://rollcall.example.org'];
  assert.throws(() => stage.open(), refused('successor-needed', /rollcall\.example\.org.*--successor-ca/));

  const second = stage.open({ makeSuccessor: true });
  assert.equal(second.caFingerprint, first.caFingerprint, 'the old one still serves');
  assert.equal(second.trustBundle().match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(!covers(second.names, 'rollcall.example.org'));
  assert.equal(await meet(second.context(), second.trustBundle(), 'localhost'), 'ok');
  const next = second.successorFingerprint;
  second.close();

  const third = stage.open();
  t.after(() => third.close());
  assert.equal(third.successorFingerprint, next, 'a start without the flag goes on with it');
  third.switchToSuccessor();
  assert.equal(third.caFingerprint, next);
  assert.equal(third.keyPin, first.keyPin);
  assert.equal(third.successorFingerprint, undefined);
  assert.equal(await meet(third.context(), second.trustBundle(), 'rollcall.example.org'), 'ok');
  assert.equal(loadSuccessor(stage.directory), undefined);
});

test('a switch that a crash interrupted is finished by the next start', (t) => {
  const stage = scene(t);
  stage.open().close();
  stage.publicUrls = ['https://rollcall.example.org'];
  const second = stage.open({ makeSuccessor: true });
  second.close();
  renameSync(join(stage.directory, 'ca-next.key'), join(stage.directory, 'ca.key'));
  const third = stage.open();
  third.close();
  assert.equal(third.caFingerprint, second.successorFingerprint);
});

test('a CA whose making was interrupted is finished, not made twice', (t) => {
  const { directory, open } = scene(t);
  const first = open();
  first.close();
  rmSync(join(directory, 'server.crt'));
  renameSync(join(directory, 'ca.crt'), join(directory, 'ca.crt.new'));
  const second = open();
  second.close();
  assert.equal(second.caFingerprint, first.caFingerprint);
});

test('files that are damaged or missing stop the start and are left alone', (t) => {
  const cases: [string, (file: string) => void, CertificateProblem][] = [
    ['ca.crt', (file) => rmSync(file), 'incomplete'],
    ['ca.key', (file) => rmSync(file), 'incomplete'],
    ['ca.crt', (file) => writeFileSync(file, ''), 'damaged'],
    ['ca.crt', (file) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 300)), 'damaged'],
    ['ca.key', (file) => writeFileSync(file, 'x'), 'damaged'],
    [
      'ca.key',
      (file) => writeFileSync(file, newKey().export({ type: 'pkcs8', format: 'pem' })),
      'key-mismatch',
    ],
    ['server.key', (file) => rmSync(file), 'incomplete'],
    ['server.key', (file) => writeFileSync(file, ''), 'damaged'],
  ];
  for (const [name, damage, problem] of cases) {
    const { directory, open } = scene(t);
    open().close();
    const file = join(directory, name);
    damage(file);
    const before = readdirSync(directory).map((entry) => readFileSync(join(directory, entry), 'utf8'));
    assert.throws(() => open(), refused(problem, new RegExp(name.replace('.', '\\.'))), `${name} ${problem}`);
    assert.deepEqual(
      readdirSync(directory).map((entry) => readFileSync(join(directory, entry), 'utf8')),
      before,
    );
  }
});

test('no CA is made while the clock is plainly wrong', (t) => {
  const { directory, open } = scene(t);
  assert.throws(() => open({ clock: manualClock(0) }), refused('clock-wrong', /clock says 1970-01-01/));
  assert.deepEqual(readdirSync(directory), []);
});

test('a domain given later needs a successor just as a public name does', (t) => {
  const stage = scene(t);
  stage.open().close();
  const names = {
    publicUrls: [],
    domain: 'ssm.example.net',
    regions: ['us-east-1'],
    hostNames: () => [],
    addresses: () => [],
  };
  assert.throws(() => stage.open({ names }), refused('successor-needed', /ssm\.example\.net/));
});

test('a CA past its end stops the start', (t) => {
  const { open, clock } = scene(t);
  open().close();
  assert.throws(
    () => open({ clock: manualClock(clock.now() + 3660 * day) }),
    refused('expired', /ca\.crt expired on 20/),
  );
});

test('the folder can not be written: said, with its reason', { skip: process.getuid?.() === 0 }, (t) => {
  const { directory, open } = scene(t);
  chmodSync(directory, 0o500);
  assert.throws(() => open(), refused('unreadable', /permission denied/));
});

test('constraints are read back from the certificate as they were put in', () => {
  const constraints = {
    dns: ['localhost', 'lan', 'a.example'],
    blocks: ['10.0.0.0/8', 'fe80::/10', '2001:db8::7/128'],
  };
  const certificate = makeAuthority(newKey(), Date.now(), constraints);
  assert.deepEqual(readConstraints(certificate), constraints);
  assert.match(fingerprint(certificate), /^[0-9a-f]{64}$/);
});
