/** The asking verbs against a real server, as its administrator and as somebody who may do little. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Registration, register } from '@rollcall/agent';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { flat, rollcall } from '../testing/io.ts';

let server: TestServer;
let node: Registration;

before(async () => {
  const flags = ['--region', 'us-east-1', '--region', 'dc-tokyo'];
  server = await startServer({ flags: [...flags] });
  node = await join('web-03', ['--tags', 'role=web,team=']);
});
after(async () => {
  await server?.stop();
  server?.remove();
});

const ask = (...args: string[]) => rollcall(args, { env: { ROLLCALL_DATA: server.data } });
const ok = async (...args: string[]) => {
  const { code, out, err } = await ask(...args);
  assert.equal(err, '', args.join(' '));
  assert.equal(code, 0);
  for (const line of out.split('\n').filter((each) => !/arn:|export /.test(each)))
    assert.ok(widthOf(line) <= 80, `${args.join(' ')}: ${line}`);
  return out;
};

/** Registers a node the way the agent does. */
async function join(name: string, flags: readonly string[] = []): Promise<Registration> {
  const made = JSON.parse(await ok('activation', 'create', '--name', name, '--json', ...flags));
  return register({
    serverUrl: server.url,
    activationId: made.ActivationId,
    activationCode: made.ActivationCode,
    region: 'us-east-1',
    root: mkdtempSync(path.join(tmpdir(), 'rollcall-cli-')),
    ca: server.ca,
  });
}

test('nodes: who is there, how many of how many, and nobody elsewhere', async () => {
  const out = await ok('nodes');
  assert.match(out, new RegExp(`^${node.nodeId}  web-03  Connection Lost  never +none`, 'm'));
  assert.match(out, /^1 of 1 node in us-east-1\.$/m);
  assert.match(await ok('nodes', '--region', 'dc-tokyo'), /No node in dc-tokyo yet.*activation create/);
  const [row] = JSON.parse(await ok('nodes', '--json', '--name', 'web-03')).Nodes;
  assert.deepEqual(row.Tags.map((tag: { Key: string; Value: string }) => `${tag.Key}=${tag.Value}`).sort(), [
    'role=web',
    'team=',
  ]);
  assert.match(row.RegistrationDate, /^\d{4}-.*Z$/);
  const elsewhere = await ask('nodes', '--region', 'eu-north-9');
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.err, /us-east-1/);
});

test('who knocks with escape sequences is only ever shown', async () => {
  await knock('AKIA\u009b31mEVIL', 'evil\u009b2J\u00adclient');
  // What happens at the door is written every other second.
  let out = '';
  for (let tries = 0; tries < 50 && !out.includes('evil'); tries++) {
    await sleep(100);
    out = await ok('knocks');
  }
  assert.match(out, /^ +1 {2}\d s ago +\S+, at signature\n +from (127\.0\.0\.1|::1)$/m);
  assert.match(out, /evil/);
  assert.doesNotMatch(out, /[\u0080-\u009f\u00ad]/);
});

/** A request that is signed by nobody we know. */
function knock(accessKeyId: string, userAgent: string): Promise<void> {
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
  const headers = { authorization, 'user-agent': userAgent, 'x-amz-target': 'AmazonSSM.CreateActivation' };
  return new Promise((resolve, reject) => {
    const request = https.request(
      server.url,
      { method: 'POST', headers, ca: server.ca, agent: false },
      (response) => {
        response.resume().on('end', resolve);
      },
    );
    request.on('error', reject).end('{}');
  });
}

test('node: tagged, deregistered, explained, restored', async () => {
  await ok('node', 'tag', 'web-03', 'site=dc1', 'note=a=b');
  await ok('node', 'untag', node.nodeId, 'role');
  const [row] = JSON.parse(await ok('nodes', '--json', '--name', 'web-03')).Nodes;
  assert.deepEqual(row.Tags.map((tag: { Key: string; Value: string }) => `${tag.Key}=${tag.Value}`).sort(), [
    'note=a=b',
    'site=dc1',
    'team=',
  ]);
  assert.match(
    await ok('node', 'deregister', 'web-03'),
    new RegExp(`undo: rollcall node restore ${node.nodeId}`),
  );
  assert.match(await ok('nodes', '--deregistered'), new RegExp(`${node.nodeId}  web-03`));
  const gone = await ask('wait', node.nodeId, '--timeout', '100ms');
  assert.equal(gone.code, 1);
  assert.match(gone.out, /deregistered at .* by\n.*user\/admin[\s\S]*node restore/);
  await ok('node', 'restore', node.nodeId);
  const lost = await ask('wait', 'web-03', '--timeout', '100ms');
  assert.equal(lost.code, 1);
  assert.match(lost.out, /never reported in/);
  assert.equal((await ask('node', 'tag', 'nobody', 'a=b')).code, 1);
});

test('activations: made, listed, watched, ended', async () => {
  const out = await ok('activation', 'create', '--limit', '3', '--expires', '2h');
  const id = /^Activation {2}(\S+)$/m.exec(out)?.[1] ?? '';
  // Nobody else can reach localhost: lines that can't work aren't printed.
  assert.doesNotMatch(out, /curl/);
  assert.match(out, /npm start -- [\s\S]*--public-url https:\/\//);
  assert.match(await ok('activation', 'list'), new RegExp(`${id}  0 of 3`));
  const once = await ask('activation', 'watch', id, '--once');
  assert.equal(once.out, 'registered 0, refused 0, not seen 3\n');
  await ok('activation', 'delete', id);
  assert.doesNotMatch(await ok('activation', 'list'), new RegExp(id));
  assert.equal((await ask('activation', 'watch', id, '--once')).code, 1);
  const done = await ok('activation', 'watch', await usedActivation());
  assert.match(done, /registered 1, refused 0, not seen 0\n\[✓\] All 1 are there/);
});

async function usedActivation(): Promise<string> {
  const { ActivationList } = JSON.parse(await ok('activation', 'list', '--json'));
  return ActivationList.find((each: { RegistrationsCount: number }) => each.RegistrationsCount === 1)
    .ActivationId;
}

test('users: may what their policy says, and their keys end when told to', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'rollcall:ListNodes', Resource: '*' }],
  };
  writeFileSync(path.join(folder, 'policy.json'), JSON.stringify(policy));
  const { AccessKey } = JSON.parse(await ok('user', 'create', 'reader', '--json'));
  const env = {
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: AccessKey.AccessKeyId,
    AWS_SECRET_ACCESS_KEY: AccessKey.SecretAccessKey,
    AWS_CA_BUNDLE: path.join(server.data, 'ca.crt'),
  };
  const asReader = () => rollcall(['nodes'], { env });
  const before = await asReader();
  assert.equal(before.code, 1);
  assert.match(before.err, /AccessDenied/);
  await ok('user', 'policy', 'reader', path.join(folder, 'policy.json'));
  assert.deepEqual(JSON.parse(await ok('user', 'policy', 'reader')), policy);
  assert.equal((await asReader()).code, 0);
  // Who may list nodes and not ask why is told what the list says.
  const waited = await rollcall(['wait', 'web-03', '--timeout', '100ms'], { env });
  assert.equal(waited.code, 1);
  assert.match(waited.out, /It is registered, and has never reported in\./);
  await ok('user', 'key', 'disable', AccessKey.AccessKeyId);
  assert.equal((await asReader()).code, 1);
  await ok('user', 'key', 'enable', AccessKey.AccessKeyId);
  assert.equal((await asReader()).code, 0);
  assert.match(await ok('user', 'key', 'create', 'reader'), /AWS_SECRET_ACCESS_KEY=\S+/);
  assert.match(await ok('user', 'list'), /reader +AKIA\w+ +Active/);
  await ok('user', 'key', 'delete', AccessKey.AccessKeyId);
  await ok('user', 'delete', 'reader');
  assert.equal((await asReader()).code, 1);
  assert.equal((await ask('user', 'policy', 'reader')).code, 1);
});

test('audit, knocks, events, settings and status answer', async () => {
  const audit = await ok('audit', '--operation', 'ssm:CreateActivation', '--limit', '1');
  assert.match(audit, /\[✓\] ssm:CreateActivation\n {4}by {3}arn:aws:iam::000000000000:user\/admin\n/);
  assert.match(audit, /^1 of \d+ records\.$/m);
  await ok('events');
  await ok('knocks', '--room', 'strangers', '--since', '24h');
  assert.match(await ok('settings', 'early-loss', 'off'), /early-loss is off/);
  assert.match(await ok('settings', 'early-loss'), /off +\(default on\)/);
  assert.equal((await ask('settings', 'nonsense')).code, 1);
  assert.equal((await ask('settings', 'early-loss', 'perhaps')).code, 1);
  assert.match(await ok('status'), new RegExp(`answers at ${server.url}\n`));
});

test('a backup is made, proved, and restored into a folder', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const file = path.join(folder, 'b.db');
  await ok('backup', file, '--with-secrets');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(await ok('backup', 'verify', file), /is whole\.\n +\d+ nodes?, .*\n +keys: .*secrets\.key/);
  assert.equal((await ask('backup', file)).code, 1);
  const target = path.join(folder, 'restored');
  await ok('restore', file, '--data', target);
  assert.equal(
    readFileSync(path.join(target, 'secrets.key'), 'utf8'),
    readFileSync(path.join(server.data, 'secrets.key'), 'utf8'),
  );
  assert.equal((await ask('restore', file, '--data', target)).code, 1);
  assert.match(await ok('restore', file, '--data', target, '--replace'), /replaced-1/);
  assert.equal((await ask('restore', file, '--data', server.data)).code, 1);
  writeFileSync(file, 'garbage');
  assert.equal((await ask('backup', 'verify', file)).code, 1);
});

test('a server starts from a backup without keys: as the administrator with the old keys, else with a new one', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const file = path.join(folder, 'b.db');
  assert.match(await ok('backup', file), /keys are not in it/);
  const startFrom = async (name: string, keys: readonly string[], ...flags: string[]) => {
    const data = path.join(folder, name);
    await ok('restore', file, '--data', data);
    for (const key of keys) copyFileSync(path.join(server.data, key), path.join(data, key));
    const again = await startServer({ data, flags });
    try {
      const { code, err } = await rollcall(['nodes'], { env: { ROLLCALL_DATA: data } });
      assert.equal(code, 0, err);
      return again.credentials.accessKeyId;
    } finally {
      await again.stop();
    }
  };
  const before = server.credentials.accessKeyId;
  assert.equal(await startFrom('with', ['secrets.key', 'ca.key', 'ca.crt']), before);
  assert.notEqual(await startFrom('without', [], '--cut-off-nodes', '9'), before);
});

test("another data folder's server is not taken for this one", async () => {
  const impostor = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const connection = JSON.parse(readFileSync(path.join(server.data, 'connection.json'), 'utf8'));
  delete connection.caFile;
  writeFileSync(path.join(impostor, 'connection.json'), JSON.stringify(connection));
  const { code, err } = await rollcall(['nodes', '--data', impostor]);
  assert.equal(code, 2);
  assert.match(flat(err), /isn't trusted .*--data DIR/);
});
