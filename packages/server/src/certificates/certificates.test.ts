/** What a client notices of our certificates: whom it may trust for what, and what a start makes of their files. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { manualClock } from '../clock.ts';
import { loadSuccessor } from './authority.ts';
import { readConstraints } from './constraints.ts';
import { type CertificateProblem, covers } from './index.ts';
import { issueServer, makeAuthority } from './issue.ts';
import { fingerprint, newKey } from './keys.ts';
import { day, meet, refused, scene } from './testing.ts';

test('the first start makes a CA and a server certificate that clients accept by every name', async (t) => {
  const certificates = await scene(t, {
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
  const certificates = await stage.open();
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
    const forged = await issueServer(authority, key, clock, names);
    const context = { cert: forged.toString(), key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
    const name = names.dns[0]!;
    assert.equal(
      await meet(context, certificates.caCertificate, name),
      'permitted subtree violation',
      JSON.stringify(names),
    );
  }
});

test('the files are whole, keys are private, and the next start serves the same', async (t) => {
  const { directory, open } = scene(t);
  const first = await open();
  await first.close();
  assert.deepEqual(readdirSync(directory).sort(), ['ca.crt', 'ca.key', 'server.crt', 'server.key']);
  assert.equal(statSync(join(directory, 'ca.key')).mode & 0o777, 0o600);
  assert.equal(statSync(join(directory, 'server.key')).mode & 0o777, 0o600);
  const second = await open();
  await second.close();
  assert.equal(second.caFingerprint, first.caFingerprint);
  assert.equal(second.keyPin, first.keyPin);
  assert.equal(second.context().cert, first.context().cert);
});

test('a public name outside the CA needs a successor, which is handed out before it serves', async (t) => {
  const stage = scene(t);
  const first = await stage.open();
  await first.close();
  stage.publicUrls = ['https://rollcall.example.org'];
  await assert.rejects(
    () => stage.open(),
    refused('successor-needed', /rollcall\.example\.org.*--successor-ca/),
  );

  const second = await stage.open({ makeSuccessor: true });
  assert.equal(second.caFingerprint, first.caFingerprint, 'the old one still serves');
  assert.equal(second.trustBundle().match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(!covers(second.names, 'rollcall.example.org'));
  assert.equal(await meet(second.context(), second.trustBundle(), 'localhost'), 'ok');
  const next = second.successorFingerprint;
  await second.close();

  const third = await stage.open();
  t.after(() => third.close());
  assert.equal(third.successorFingerprint, next, 'a start without the flag goes on with it');
  await third.switchToSuccessor();
  assert.equal(third.caFingerprint, next);
  assert.equal(third.keyPin, first.keyPin);
  assert.equal(third.successorFingerprint, undefined);
  assert.equal(await meet(third.context(), second.trustBundle(), 'rollcall.example.org'), 'ok');
  assert.equal(loadSuccessor(stage.directory), undefined);
});

test('a switch that a crash interrupted is finished by the next start', async (t) => {
  const stage = scene(t);
  await (await stage.open()).close();
  stage.publicUrls = ['https://rollcall.example.org'];
  const second = await stage.open({ makeSuccessor: true });
  await second.close();
  renameSync(join(stage.directory, 'ca-next.key'), join(stage.directory, 'ca.key'));
  const third = await stage.open();
  await third.close();
  assert.equal(third.caFingerprint, second.successorFingerprint);
});

test('a CA whose making was interrupted is finished, not made twice', async (t) => {
  const { directory, open } = scene(t);
  const first = await open();
  await first.close();
  rmSync(join(directory, 'server.crt'));
  renameSync(join(directory, 'ca.crt'), join(directory, 'ca.crt.new'));
  const second = await open();
  await second.close();
  assert.equal(second.caFingerprint, first.caFingerprint);
});

test('files that are damaged or missing stop the start and are left alone', async (t) => {
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
    await (await open()).close();
    const file = join(directory, name);
    damage(file);
    const before = readdirSync(directory).map((entry) => readFileSync(join(directory, entry), 'utf8'));
    await assert.rejects(
      () => open(),
      refused(problem, new RegExp(name.replace('.', '\\.'))),
      `${name} ${problem}`,
    );
    assert.deepEqual(
      readdirSync(directory).map((entry) => readFileSync(join(directory, entry), 'utf8')),
      before,
    );
  }
});

test('no CA is made while the clock is plainly wrong', async (t) => {
  const { directory, open } = scene(t);
  await assert.rejects(
    () => open({ clock: manualClock(0) }),
    refused('clock-wrong', /clock says 1970-01-01/),
  );
  assert.deepEqual(readdirSync(directory), []);
});

test('a domain given later needs a successor just as a public name does', async (t) => {
  const stage = scene(t);
  await (await stage.open()).close();
  const names = {
    publicUrls: [],
    domain: 'ssm.example.net',
    regions: ['us-east-1'],
    hostNames: () => [],
    addresses: () => [],
  };
  await assert.rejects(() => stage.open({ names }), refused('successor-needed', /ssm\.example\.net/));
});

test('a CA past its end stops the start', async (t) => {
  const { open, clock } = scene(t);
  await (await open()).close();
  await assert.rejects(
    () => open({ clock: manualClock(clock.now() + 3660 * day) }),
    refused('expired', /ca\.crt expired on 20/),
  );
});

test('the folder can not be written: said, with its reason', {
  skip: process.getuid?.() === 0,
}, async (t) => {
  const { directory, open } = scene(t);
  chmodSync(directory, 0o500);
  await assert.rejects(() => open(), refused('unreadable', /permission denied/));
});

test('constraints are read back from the certificate as they were put in', async () => {
  const constraints = {
    dns: ['localhost', 'lan', 'a.example'],
    blocks: ['10.0.0.0/8', 'fe80::/10', '2001:db8::7/128'],
  };
  const certificate = await makeAuthority(newKey(), Date.now(), constraints);
  assert.deepEqual(readConstraints(certificate), constraints);
  assert.match(fingerprint(certificate), /^[0-9a-f]{64}$/);
});
