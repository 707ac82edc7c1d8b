/** The block of the script, out of whatever it was pasted through; and text that wants to be more than text. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { cksum, readCollected, redactText, redactUrl } from './index.ts';

/** A block as the script makes one. */
function block(lines: readonly string[]): string {
  const body = lines.map((line) => {
    const [section, rest = ''] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
    return `:${section} ${rest.replaceAll('\\', '\\\\').replaceAll('_', '\\_').replaceAll(' ', '_')}`;
  });
  const { sum, length } = cksum(new TextEncoder().encode(`${body.join('\n')}\n`));
  return [
    '-----BEGIN ROLLCALL EVIDENCE-----',
    ...body,
    `:end lines=${body.length}`,
    `:end sum=${sum}-${length}`,
    '-----END ROLLCALL EVIDENCE-----',
    '',
  ].join('\n');
}

const lines = [
  'meta format=1',
  'meta at=1795647863',
  'meta root=1',
  'host name=web_07',
  'host system=Linux',
  'host os.NAME=Debian GNU/Linux with a rather long name that is wrapped by every mail program there is',
  'host address=fd00::abc',
  'host zone=+0900',
  'package deb=Status: install ok installed',
  'package deb=Version: 3.3.987.0-1',
  'official registration={"ManagedInstanceID":"mi-0123456789abcdef0","Region":"eu-west-1"}',
  'log line=2026-11-25 21:00:00.5000 ERROR [ssm-agent-worker] x509: certificate signed by unknown authority',
  'endpoint 1.url=https://rollcall.lan:8443',
  'endpoint 1.agent=official',
  'endpoint 1.service=ssm',
  'endpoint 1.getent=10.0.0.5',
  'endpoint 1.curl=60',
  'endpoint 1.times=000 000 0.000010 0.000000 0.000000 0.010000 10.0.0.5 20',
  'endpoint 1.trouble=curl: (60) SSL certificate problem: unable to get local issuer certificate',
  'endpoint 1.verify=20 (unable to get local issuer certificate)',
  'endpoint 1.leaf=subject=CN = Rollcall server',
  'endpoint 1.leaf=issuer=CN = Rollcall CA 7F3A 91C2',
  'endpoint 1.store=/etc/ssl/certs/ca-certificates.crt',
];
const plain = block(lines);

function evidenceOf(text: string) {
  const read = readCollected(text);
  assert.ok('evidence' in read, JSON.stringify(read));
  return read.evidence;
}

test('a block says what it says', () => {
  const evidence = evidenceOf(plain);
  assert.equal(evidence.by, 'script');
  assert.equal(evidence.at, 1795647863_000);
  assert.equal(evidence.privileged, true);
  assert.equal(evidence.host.name, 'web_07');
  assert.deepEqual(evidence.host.addresses, ['fd00::abc']);
  const [agent] = evidence.agents;
  assert.equal(agent?.version, '3.3.987.0');
  assert.equal(agent?.identity?.nodeId, 'mi-0123456789abcdef0');
  assert.equal(agent?.log?.lines[0]?.at, Date.parse('2026-11-25T12:00:00.500Z'), 'by the machine’s own zone');
  const [endpoint] = evidence.endpoints;
  assert.equal(endpoint?.tcp?.ok, true);
  assert.equal(endpoint?.tls?.ok === false && endpoint.tls.error, 'untrusted');
  assert.deepEqual(endpoint?.tls?.store, {
    path: '/etc/ssl/certs/ca-certificates.crt',
    readable: true,
    hasRoot: false,
  });
  assert.equal(endpoint?.http, undefined);
});

test('mail, chats and terminals may quote it, wrap it, colour it and end its lines as they like', () => {
  const want = evidenceOf(plain);
  const ways: Record<string, (text: string) => string> = {
    quoted: (text) => `On Monday you wrote:\n${text.replace(/^/gm, '> ')}`,
    'quoted twice': (text) => text.replace(/^/gm, '>> > '),
    crlf: (text) => text.replaceAll('\n', '\r\n'),
    'wrapped at any place': (text) => text.replace(/[^\n]{60}(?=[^\n])/g, '$&\n'),
    'wrapped at spaces': (text) => text.replace(/^(:\S+) (\S{40,})$/gm, '$1\n$2'),
    'wrapped and quoted': (text) => text.replace(/[^\n]{50}(?=[^\n])/g, '$&\n').replace(/^/gm, '> '),
    coloured: (text) => text.replace(/^/gm, '\u001b[32m').replace(/$/gm, '\u001b[0m'),
    indented: (text) => text.replace(/^/gm, '    '),
    'with trailing spaces': (text) => text.replace(/$/gm, '  '),
    'with blank lines': (text) => text.replaceAll('\n', '\n\n'),
    'among other things': (text) => `Hello,\n\n: a line of mine\n${text}\nRegards`,
    'with no-break spaces': (text) => text.replaceAll(' ', '\u00a0'),
    'after a cut one': (text) => `${text.slice(0, 300)}\n${text}`,
  };
  for (const [name, way] of Object.entries(ways)) assert.deepEqual(evidenceOf(way(plain)), want, name);
});

test('what is missing or changed is noticed, and not judged', () => {
  const problem = (text: string) => {
    const read = readCollected(text);
    return 'problem' in read ? read.problem : 'none at all';
  };
  assert.equal(problem('nothing here'), 'none');
  assert.equal(problem(plain.slice(0, -40)), 'cut');
  assert.equal(problem(plain.replace(/^:host name.*\n/m, '')), 'cut');
  assert.equal(problem(plain.replace(/^:end lines.*\n/m, '')), 'cut');
  assert.equal(problem(plain.replace('web', 'wob')), 'changed');
  assert.equal(problem(block(lines.map((line) => line.replace('format=1', 'format=2')))), 'format');
  for (let at = 0; at < plain.length; at += 37) {
    const read = readCollected(plain.slice(0, at));
    assert.ok('problem' in read, `cut at ${at}`);
  }
});

test('hostile text stays text: it neither throws, nor hangs, nor gets control characters out', () => {
  const word = fc.string({ unit: 'binary', maxLength: 60 });
  const line = fc
    .tuple(fc.constantFrom(...lines.map((text) => text.slice(0, text.indexOf('=') + 1))), word)
    .map(([begin, value]) => begin + value.replace(/[^\x21-\x7e]/g, '\u001b'));
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 200 }),
      (some, noise) => {
        for (const text of [
          block(['meta format=1', 'meta at=5', ...some.map((one) => one.replaceAll('\u001b', '?'))]),
          noise,
          plain + noise,
        ]) {
          const read = readCollected(text);
          if ('evidence' in read)
            assert.doesNotMatch(JSON.stringify(read.evidence), /[\u0000-\u0008\u000b-\u001f]/);
        }
      },
    ),
    { numRuns: 400 },
  );
  const began = performance.now();
  readCollected(`${'-----BEGIN ROLLCALL EVIDENCE-----\n'.repeat(2000)}${':host a=b\n'.repeat(20_000)}`);
  readCollected(`-----BEGIN ROLLCALL EVIDENCE-----\n:host a=${'_'.repeat(2_000_000)}`);
  assert.ok(performance.now() - began < 3000, `${performance.now() - began} ms`);
});

test('generated facts come back as they were said', () => {
  const value = fc.string({ unit: 'grapheme-ascii', maxLength: 80 }).map((text) => text.trim());
  fc.assert(
    fc.property(value, (name) => {
      const { host } = evidenceOf(block(['meta format=1', 'meta at=5', `host name=${name}`]));
      assert.equal(host.name, redactText(name, 200));
    }),
    { numRuns: 300 },
  );
});

test('the checksum is the one that cksum prints', {
  skip: spawnSync('cksum', ['/dev/null']).status !== 0,
}, () => {
  for (const text of ['', 'a', 'hello\n', 'x'.repeat(70_000)]) {
    const [sum, length] = execFileSync('cksum', { input: text }).toString().split(' ').map(Number);
    assert.deepEqual(cksum(new TextEncoder().encode(text)), { sum, length });
  }
});

test('secrets are taken out, and what helps stays', () => {
  for (const secret of [
    'https://user:hunter2@proxy:3128/',
    'Proxy-Authorization: Basic aHVudGVyMg==',
    'token=hunter2abc',
    '{"ActivationCode":"hunter2","a":1}',
    "secretAccessKey: 'hunter2hunter2'",
    'amazon-ssm-agent -register -code hunter2 -id x',
    `key ${'hunter2'.repeat(10)}`,
    '-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----',
    'GET /?X-Amz-Signature=hunter2&a=b',
  ])
    assert.doesNotMatch(redactText(secret), /hunter2|aHVudGVyMg/, secret);
  assert.equal(redactUrl('http://a:b@c@proxy:3128'), 'http://[hidden]@proxy:3128');
  for (const text of [
    'error occurred in RequestManagedInstanceRoleToken: InvalidInstanceId: Not existing InstanceId mi-0123456789abcdef0',
    'ExpiredTokenException: The security token included in the request is expired',
    'MachineFingerprintDoesNotMatch: Fingerprint does not match',
    'x509: certificate signed by unknown authority',
    'open /var/lib/amazon/ssm/mi-0123456789abcdef0/document/orchestration/2b1a/awsrunShellScript: no space left on device',
    'AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/app/i-0123456789abcdef0 is not authorized to perform: ssm:UpdateInstanceInformation',
  ])
    assert.equal(redactText(text), text);
});
