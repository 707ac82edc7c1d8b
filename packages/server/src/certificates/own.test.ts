/** The operator's own certificate: what is refused, with which words, and that new files are picked up. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { manualClock } from '../clock.ts';
import { CertificateError, type CertificateProblem, checkGuard, openCertificates } from './index.ts';
import { issueServer, makeAuthority } from './issue.ts';
import { fingerprint, newKey } from './keys.ts';

const day = 86_400_000;
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** A company's CA, and files with a certificate of it. */
async function company(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-own-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const files = { certFile: join(directory, 'site.pem'), keyFile: join(directory, 'site.key') };
  const clock = manualClock(Date.UTC(2026, 4, 1));
  const caKey = newKey();
  const ca = await makeAuthority(caKey, clock.now(), { dns: ['example.com'], blocks: ['10.0.0.0/8'] });
  const problems: Error[] = [];
  return {
    files,
    clock,
    ca,
    problems,
    async write(names: string[], key = newKey(), withRoot = true) {
      const leaf = await issueServer({ certificate: ca, key: caKey }, key, clock.now(), {
        dns: names,
        addresses: ['10.0.0.7'],
      });
      writeFileSync(files.certFile, leaf.toString() + (withRoot ? ca.toString() : ''));
      writeFileSync(files.keyFile, pem(key));
      return leaf;
    },
    open: (publicUrls = ['https://ssm.example.com:8443']) =>
      openCertificates({
        directory,
        clock,
        own: files,
        names: { publicUrls, regions: [], hostNames: () => [], addresses: () => [] },
        onProblem: (error) => problems.push(error),
      }),
  };
}

function refused(problem: CertificateProblem, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.problem, problem);
    assert.match(error.message, message);
    return true;
  };
}

test('a good one is served as it is, and the root is named', async (t) => {
  const { write, open, ca } = await company(t);
  const leaf = await write(['*.example.com']);
  const certificates = await open(['https://ssm.example.com:8443', 'https://10.0.0.7']);
  t.after(() => certificates.close());
  assert.equal(certificates.caFingerprint, fingerprint(ca));
  assert.ok(certificates.context().cert.startsWith(leaf.toString()));
  assert.deepEqual(certificates.names, { dns: ['*.example.com'], addresses: ['10.0.0.7'] });
  assert.equal(certificates.notAfter, leaf.validToDate.getTime());
});

test('what can’t serve is refused, with the file and the reason', async (t) => {
  const { write, open, files, clock } = await company(t);
  await assert.rejects(
    () => open(),
    refused('unreadable', /site\.pem can't be read: there is no such file\.$/),
  );
  await write(['ssm.example.com']);
  writeFileSync(files.keyFile, pem(newKey()));
  await assert.rejects(() => open(), refused('key-mismatch', /site\.key isn't the key of .*site\.pem\.$/));
  writeFileSync(files.keyFile, 'nonsense');
  await assert.rejects(() => open(), refused('damaged', /site\.key holds no private key/));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(
    files.keyFile,
    privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
  );
  await assert.rejects(() => open(), refused('key-encrypted', /site\.key is protected by a passphrase/));
  writeFileSync(files.certFile, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  await assert.rejects(() => open(), refused('damaged', /site\.pem holds no certificate/));
  await write(['other.example.com']);
  await assert.rejects(
    () => open(),
    refused('name-not-covered', /doesn't cover ssm\.example\.com.*covers other\.example\.com, 10\.0\.0\.7/),
  );
  await write(['ssm.example.com']);
  clock.advance(91 * day);
  await assert.rejects(() => open(), refused('expired', /site\.pem expired on 2026-07-30/));
});

test('new files are served within a minute; broken ones are not, and said', async (t) => {
  const { write, open, files, clock, problems } = await company(t);
  await write(['ssm.example.com']);
  const certificates = await open();
  t.after(() => certificates.close());
  let changes = 0;
  certificates.onChange(() => changes++);
  clock.advance(60_000);
  assert.equal(changes, 0);
  const next = await write(['ssm.example.com', 'www.example.com']);
  clock.advance(60_000);
  assert.equal(changes, 1);
  assert.ok(certificates.context().cert.startsWith(next.toString()));
  writeFileSync(files.certFile, '');
  clock.advance(60_000);
  await turn();
  assert.equal(changes, 1);
  assert.match(problems[0]?.message ?? '', /site\.pem holds no certificate/);
  assert.ok(certificates.context().cert.startsWith(next.toString()));
});

test('without the root in the file, the last certificate stands for it', async (t) => {
  const { write, open } = await company(t);
  const leaf = await write(['ssm.example.com'], newKey(), false);
  const certificates = await open();
  t.after(() => certificates.close());
  assert.equal(certificates.caFingerprint, fingerprint(leaf));
});

test('the guard lets a start through only when nobody is cut off, or the operator agreed', () => {
  const trustCounts = new Map([
    ['aa'.repeat(32), 1_212],
    ['bb'.repeat(32), 3],
  ]);
  const now = 'aa'.repeat(32);
  assert.deepEqual(checkGuard({ caFingerprintNow: now, trustCounts: new Map() }), { ok: true, cutOff: 0 });
  assert.deepEqual(checkGuard({ caFingerprintNow: now, trustCounts, cutOffNodes: 3 }), {
    ok: true,
    cutOff: 3,
  });
  assert.equal(checkGuard({ caFingerprintNow: now, trustCounts, cutOffNodes: 2 }).ok, false);
  assert.equal(checkGuard({ caFingerprintNow: now, trustCounts, alsoTrusted: ['bb'.repeat(32)] }).ok, true);
  const answer = checkGuard({ caFingerprintNow: 'cc'.repeat(32), trustCounts });
  assert.ok(!answer.ok);
  assert.match(answer.text, /1,215 nodes would be cut off.*\n.*--successor-ca.*\n.*--cut-off-nodes 1215$/);
});
