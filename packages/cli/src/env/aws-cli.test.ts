/**
 * The installed AWS CLI × shell, profile, wrapper, from a shell that still belongs to a real account: each call
 * must arrive here. Skipped where there is no `aws`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { findProgram } from '../verbs/aws.ts';

const installed = findProgram('aws', process.env.PATH ?? '') !== undefined;
const launcher = path.resolve(import.meta.dirname, '../../../../rollcall');
const run = promisify(execFile);
let server: TestServer;
let home: string;

before(async () => {
  if (!installed) return;
  server = await startServer();
  home = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  // A default profile with settings that would lead elsewhere, too.
  writeFileSync(
    path.join(home, 'config'),
    '[default]\nregion = eu-west-1\nuse_fips_endpoint = true\nignore_configured_endpoint_urls = true\nca_bundle = /nowhere.pem\n',
  );
  writeFileSync(
    path.join(home, 'credentials'),
    '[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = real\n',
  );
});
after(async () => {
  await server?.stop();
  server?.remove();
});

/** A shell of somebody who worked with a real account a minute ago. */
const hostile = () => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  AWS_CONFIG_FILE: path.join(home, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: path.join(home, 'credentials'),
  AWS_ACCESS_KEY_ID: 'ASIAREAL',
  AWS_SECRET_ACCESS_KEY: 'real',
  AWS_SESSION_TOKEN: 'real',
  AWS_PROFILE: 'does-not-exist',
  AWS_REGION: 'eu-west-1',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_ENDPOINT_URL_SSM: 'https://127.0.0.1:9',
  AWS_CA_BUNDLE: '/nowhere.pem',
  SSL_CERT_DIR: '/nowhere',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_MAX_ATTEMPTS: '1',
});

/** Runs `script` in a real shell, with the launcher as $ROLLCALL and the data folder as $DATA. */
const shell = (script: string) =>
  run('/bin/sh', ['-ec', script], { env: { ...hostile(), ROLLCALL: launcher, DATA: server.data } });

const options = { skip: installed ? false : 'no aws on this machine' };

test('the three ways lead here, from the shell of another account', options, async () => {
  const ask = 'ssm describe-instance-information --output text --query "length(InstanceInformationList)"';
  const profile = path.join(home, 'profile');
  const [env, wrapper, byProfile, failing] = await Promise.all([
    shell(`eval "$("$ROLLCALL" env --data "$DATA")"; aws ${ask}`),
    shell(`"$ROLLCALL" aws --data "$DATA" ${ask}`),
    // The profile says what is in its way; who follows it gets here.
    shell(
      `"$ROLLCALL" env --profile --data "$DATA" > ${profile}
       unset $(sed -n 's/^# In the way: this shell sets \\([A-Z0-9_]*\\),.*/\\1/p' ${profile}) HTTPS_PROXY
       AWS_CONFIG_FILE=${profile} aws --profile rollcall ${ask}`,
    ),
    // Exit codes of aws are ours.
    shell(
      `"$ROLLCALL" aws --data "$DATA" ssm describe-instance-information --filters Key=nonsense,Values=x; `,
    ).then(
      () => 0,
      (error: { code: number }) => error.code,
    ),
  ]);
  assert.deepEqual([env.stdout, wrapper.stdout, byProfile.stdout], ['0\n', '0\n', '0\n']);
  assert.ok(failing >= 250, String(failing));
});

test('without them, nothing of that shell arrives here by accident', options, async () => {
  const error = await shell('aws ssm describe-instance-information').then(
    () => undefined,
    (failed: { stderr: string }) => failed,
  );
  assert.match(error?.stderr ?? '', /does-not-exist/);
});
