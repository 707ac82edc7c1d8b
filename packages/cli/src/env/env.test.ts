/** The lines of `rollcall env`, read by real shells that come from somewhere else. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { findConnection } from '../context.ts';
import { dataFolder, rollcall, testIo } from '../testing/io.ts';
import { writeBundle } from './bundle.ts';
import { line, quote } from './shell.ts';
import { withoutProxy } from './variables.ts';

const certificate = (name: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(name.padEnd(30)).toString('base64')}\n-----END CERTIFICATE-----`;

/** A shell that was busy with a real account, and behind a proxy. */
function hostileShell(folder: string): Record<string, string> {
  writeFileSync(path.join(folder, 'corporate.pem'), certificate('corporate'));
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: 'AKIAREAL',
    AWS_SECRET_ACCESS_KEY: "real'; touch /tmp/never; '",
    AWS_SESSION_TOKEN: 'real\n$(token)',
    AWS_PROFILE: 'does-not-exist',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_SSM: 'https://elsewhere.invalid',
    AWS_ENDPOINT_URL_S3: 'https://minio.invalid',
    AWS_USE_FIPS_ENDPOINT: 'true',
    SSL_CERT_DIR: '/etc/ssl/certs',
    CURL_CA_BUNDLE: path.join(folder, 'corporate.pem'),
    no_proxy: 'intranet.example, .corp',
    HTTPS_PROXY: 'http://proxy.invalid:3128',
  };
}

/** The environment of a shell after it has evaluated `lines`. */
function evaluate(shell: string, lines: string, env: Record<string, string>): Record<string, string> {
  const script = 'eval "$LINES_TO_READ"; unset LINES_TO_READ; env -0';
  const output = execFileSync(shell, ['-c', script], {
    env: { ...env, LINES_TO_READ: lines },
    encoding: 'utf8',
    // With a socket there, bash takes itself for a remote shell and reads its start-up files.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const entries = output.split('\0').filter((entry) => entry !== '');
  const result = Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  for (const name of ['_', 'PWD', 'SHLVL', 'OLDPWD']) delete result[name];
  return result;
}

const shells = ['/bin/sh', '/bin/dash', '/bin/bash', '/bin/zsh', '/bin/ksh'].filter(existsSync);

function served(): string {
  const data = dataFolder();
  writeFileSync(path.join(data, 'ca.crt'), `${certificate('ours')}\n`);
  const file = path.join(data, 'connection.json');
  writeFileSync(
    file,
    JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), caFile: path.join(data, 'ca.crt') }),
  );
  return data;
}

for (const shell of shells) {
  test(`${path.basename(shell)}: a hostile shell is taken over whole, and given back whole`, async () => {
    const data = served();
    const before = hostileShell(data);
    const on = await rollcall(['env', '--data', data], { env: before });
    assert.equal(on.err, '');
    const taken = evaluate(shell, on.out, before);

    const bundle = path.join(data, 'trust-bundle.pem');
    assert.equal(taken.AWS_ENDPOINT_URL, 'https://localhost:1');
    assert.equal(taken.AWS_REGION, 'us-east-1');
    assert.equal(taken.AWS_DEFAULT_REGION, 'us-east-1');
    assert.equal(taken.AWS_ACCESS_KEY_ID, 'AKIAEXAMPLE000000000');
    assert.equal(taken.AWS_SECRET_ACCESS_KEY, "it's/a+secret");
    for (const name of [
      'AWS_CA_BUNDLE',
      'SSL_CERT_FILE',
      'CURL_CA_BUNDLE',
      'REQUESTS_CA_BUNDLE',
      'NODE_EXTRA_CA_CERTS',
    ])
      assert.equal(taken[name], bundle, name);
    for (const name of ['NO_PROXY', 'no_proxy'])
      assert.equal(taken[name], 'intranet.example,.corp,localhost,127.0.0.1,::1', name);
    assert.equal(taken.AWS_USE_FIPS_ENDPOINT, 'false');
    assert.equal(taken.HTTPS_PROXY, before.HTTPS_PROXY);
    const gone = [
      'AWS_SESSION_TOKEN',
      'AWS_PROFILE',
      'AWS_ENDPOINT_URL_SSM',
      'AWS_ENDPOINT_URL_S3',
      'SSL_CERT_DIR',
    ];
    for (const name of gone) assert.equal(taken[name], undefined, name);

    // Again, for another server, and with something new in between: --off still gives the first state back.
    const other = served();
    const again = await rollcall(['env', '--data', other], {
      env: { ...taken, AWS_ENDPOINT_URL_STS: 'https://new.invalid' },
    });
    const twice = evaluate(shell, again.out, taken);
    assert.equal(twice.AWS_CA_BUNDLE, path.join(other, 'trust-bundle.pem'));
    const off = await rollcall(['env', '--off'], { env: twice });
    const restored = evaluate(shell, off.out, twice);
    assert.deepEqual(restored, { ...before, AWS_ENDPOINT_URL_STS: 'https://new.invalid' });
  });
}

test('--off in a shell that was never taken changes nothing', async () => {
  const before = { PATH: process.env.PATH ?? '', AWS_PROFILE: 'mine', ROLLCALL_SAVED_AWS_REGION: 'stale' };
  const { out } = await rollcall(['env', '--off'], { env: before });
  assert.deepEqual(evaluate('/bin/sh', out, before), before);
});

test('what an old shell left behind is not given back to a new one', async () => {
  const data = served();
  const before = {
    PATH: process.env.PATH ?? '',
    ROLLCALL_SAVED_AWS_PROFILE: 'stale',
    ROLLCALL_SAVED_PATH: '/evil',
  };
  const taken = evaluate('/bin/sh', (await rollcall(['env', '--data', data], { env: before })).out, before);
  const restored = evaluate('/bin/sh', (await rollcall(['env', '--off'], { env: taken })).out, taken);
  assert.equal(restored.AWS_PROFILE, undefined);
  assert.equal(restored.PATH, before.PATH);
});

test('an unquoted eval works as well', async () => {
  const data = served();
  const { out } = await rollcall(['env', '--data', data], { env: { PATH: '/usr/bin' } });
  const joined = out.split(/\s+/).join(' ');
  assert.equal(evaluate('/bin/sh', joined, { PATH: process.env.PATH ?? '' }).AWS_REGION, 'us-east-1');
});

test('quoting holds against any value', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { minLength: 20, maxLength: 20 }),
      (values) => {
        const texts = values.map((value) => value.replaceAll('\0', '').toWellFormed());
        const script = texts.map((value, index) => line({ name: `V${index}`, value }, 'sh')).join('\n');
        const result = evaluate('/bin/sh', script, { PATH: process.env.PATH ?? '' });
        for (const [index, value] of texts.entries()) assert.equal(result[`V${index}`], value);
      },
    ),
    { numRuns: 4 },
  );
  assert.equal(quote("a'b\\c", 'fish'), "'a\\'b\\\\c'");
  assert.equal(line({ name: 'A', value: undefined }, 'fish'), 'set -e A;');
});

test('the bundle holds the system, what the shell named, and ours, each once and without keys', () => {
  const data = served();
  const extra = path.join(data, 'extra.pem');
  writeFileSync(
    extra,
    `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${certificate('extra')}\n`,
  );
  const nested = path.join(mkdtempSync(path.join(tmpdir(), 'rollcall-cli-')), 'trust-bundle.pem');
  writeFileSync(nested, certificate('nested'));
  const { io } = testIo();
  const connection = findConnection(io, { data });
  const env = {
    AWS_CA_BUNDLE: extra,
    SSL_CERT_FILE: extra,
    CURL_CA_BUNDLE: nested,
    REQUESTS_CA_BUNDLE: '/nowhere.pem',
  };
  const file = writeBundle(env, { ...connection, data });
  const text = readFileSync(file, 'utf8');
  const times = (name: string) => text.split(certificate(name)).length - 1;
  assert.deepEqual([times('extra'), times('ours'), times('nested')], [1, 1, 0]);
  assert.doesNotMatch(text, /PRIVATE/);
  assert.equal(statSync(file).mode & 0o777, 0o644);
  if (existsSync('/etc/ssl/certs/ca-certificates.crt'))
    assert.ok(text.split('BEGIN CERTIFICATE').length > 50);
});

test('NO_PROXY keeps what it had', () => {
  assert.equal(withoutProxy('', 'rollcall.lan'), 'rollcall.lan,localhost,127.0.0.1,::1');
  assert.equal(withoutProxy('*', 'rollcall.lan'), '*');
  assert.equal(withoutProxy('localhost,a', 'a'), 'localhost,a,127.0.0.1,::1');
});

test('a profile says what in this shell would win over it', async () => {
  const data = served();
  const { out, code } = await rollcall(['env', '--profile', '--data', data], {
    env: { AWS_ENDPOINT_URL_SSM: 'x', AWS_REGION: 'y' },
  });
  assert.equal(code, 0);
  assert.match(out, /^\[profile rollcall\]$/m);
  assert.match(out, /^endpoint_url = https:\/\/localhost:1$/m);
  assert.match(out, new RegExp(`^credential_process = .+/rollcall'? credentials --data '${data}'$`, 'm'));
  assert.match(out, /AWS_ENDPOINT_URL_SSM, which wins/);
  assert.match(out, /AWS_REGION, which wins/);
  const { out: keys } = await rollcall(['credentials', '--data', data]);
  assert.deepEqual(JSON.parse(keys), {
    Version: 1,
    AccessKeyId: 'AKIAEXAMPLE000000000',
    SecretAccessKey: "it's/a+secret",
  });
});

test('rollcall aws refuses what would send the call elsewhere', async () => {
  const data = served();
  for (const argument of [
    '--endpoint-url',
    '--endpoint-url=https://x',
    '--endpoint',
    '--profile',
    '--profile=x',
  ]) {
    const { code, err } = await rollcall(['aws', '--data', data, 'ssm', 'list-commands', argument]);
    assert.equal(code, 2, argument);
    assert.match(err, /^rollcall aws /);
  }
  const none = await rollcall(['aws', '--data', data, 'ssm', 'list-commands'], {
    env: { PATH: '/nonexistent' },
  });
  assert.equal(none.code, 127);
  assert.match(none.err, /No aws on the PATH/);
});

test('rollcall aws hands on arguments, environment, signals and exit code', async () => {
  const data = served();
  const script = `#!/bin/sh
trap 'exit 7' TERM
trap 'exit 8' PIPE
printf '%s\\n' "$@" "$AWS_ENDPOINT_URL" "\${AWS_SESSION_TOKEN-none}" "\${AWS_PROFILE-none}" ready
while sleep 0.05; do printf . >&2; done
`;
  writeFileSync(path.join(data, 'aws'), script, { mode: 0o755 });
  const main = path.join(import.meta.dirname, '../main.js');
  const env = { ...hostileShell(data), PATH: `${data}:/usr/bin:/bin` };
  const child = spawn(process.execPath, [main, 'aws', '--data', data, 'ssm', 'x', '--data', "a b'c"], {
    env,
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
    if (out.endsWith('ready\n')) child.kill('SIGTERM');
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 7);
  const url = 'https://localhost:1';
  assert.deepEqual(out.trimEnd().split('\n'), [
    '--endpoint-url',
    url,
    'ssm',
    'x',
    '--data',
    "a b'c",
    url,
    'none',
    'none',
    'ready',
  ]);
});
