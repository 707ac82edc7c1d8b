/**
 * The AWS CLI and boto3, where they are at hand, against a real server with 120 nodes: paging, both forms of
 * filters, every operation that is served, and errors as a program sees them. The SDK for JavaScript, which
 * comes from npm, has its own test among the fast ones.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeKeyPool } from '../harness/key-pool.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';

const count = 120;
const nobody = 'mi-0123456789abcdef0';
const noCli = absence('aws', ['--version']);
const noBoto = absence('python3', ['-c', 'import boto3']);

/** Why a program can't be used here; false when it can. */
function absence(program: string, args: readonly string[]): string | false {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
    ? false
    : `not at hand: ${program} ${args.join(' ')}`;
}

let server: TestServer;
let fleet: Fleet;
let folder: string;
let nodes: string[];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-clients-'));
  server = await startServer();
  writeFileSync(join(folder, 'ca.pem'), server.ca);
  const made = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'SSMServiceRole',
    DefaultInstanceName: 'web',
    RegistrationLimit: count,
  });
  fleet = openFleet({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    activation: { id: made.ActivationId, code: made.ActivationCode },
    keys: await makeKeyPool(count),
  });
  await fleet.join(count);
  nodes = fleet.agents.map((agent) => agent.nodeId);
});
after(async () => {
  await fleet.close();
  await server.stop();
  server.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for.
  readonly json: any;
}

/** Runs a program with nothing of this shell's AWS in its environment. */
function run(program: string, args: readonly string[], input = '', env = {}): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { out: '', error: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (said.error += text));
    child.on('error', failed);
    child.on('close', (code) => {
      let json: unknown;
      try {
        json = JSON.parse(said.out);
      } catch {
        json = undefined;
      }
      done({ code, ...said, json });
    });
    child.stdin.end(input);
  });
}

function aws(...args: string[]): Promise<Ran> {
  return run('aws', ['--endpoint-url', server.url, '--output', 'json', 'ssm', ...args], '', {
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CA_BUNDLE: join(folder, 'ca.pem'),
  });
}

async function awsWell(...args: string[]): Promise<Ran> {
  const ran = await aws(...args);
  assert.equal(ran.code, 0, ran.error);
  return ran;
}

/** A refusal as the CLI prints it; its exit code is 254 (255 before version 2). */
async function awsRefused(code: string, ...args: string[]): Promise<void> {
  const ran = await aws(...args);
  assert.ok(ran.code === 254 || ran.code === 255, `${args[0]} ended with ${ran.code}: ${ran.out}`);
  assert.match(
    ran.error,
    new RegExp(`An error occurred \\(${code}\\) when calling the \\w+ operation: ?\\S*`),
  );
}

test('the AWS CLI', { skip: noCli }, async (t) => {
  t.diagnostic(execFileSync('aws', ['--version'], { encoding: 'utf8' }).trim());

  await t.test('pages by itself: each of 120 nodes once, whatever the size of a page', async () => {
    for (const size of [[], ['--page-size', '50']]) {
      const { json } = await awsWell('describe-instance-information', ...size);
      const ids = json.InstanceInformationList.map((node: { InstanceId: string }) => node.InstanceId);
      assert.equal(ids.length, count);
      assert.deepEqual([...ids].sort(), [...nodes].sort());
      assert.equal(json.NextToken, undefined);
    }
    const some = await awsWell('describe-instance-information', '--max-items', '7');
    assert.equal(some.json.InstanceInformationList.length, 7);
    const rest = await awsWell('describe-instance-information', '--starting-token', some.json.NextToken);
    assert.equal(rest.json.InstanceInformationList.length, count - 7);
  });

  await t.test('filters in both forms, queries, text', async () => {
    const id = nodes[0]!;
    const both = [
      ['--filters', `Key=InstanceIds,Values=${id}`],
      ['--instance-information-filter-list', `key=InstanceIds,valueSet=${id}`],
    ];
    for (const filter of both) {
      const { json } = await awsWell('describe-instance-information', ...filter);
      assert.deepEqual(
        json.InstanceInformationList.map((node: { InstanceId: string }) => node.InstanceId),
        [id],
      );
    }
    const online = await awsWell(
      'describe-instance-information',
      '--filters',
      'Key=PingStatus,Values=Online',
      '--query',
      'length(InstanceInformationList)',
    );
    assert.equal(online.json, count);
    const none = await awsWell(
      'describe-instance-information',
      '--filters',
      `Key=InstanceIds,Values=${nobody}`,
    );
    assert.deepEqual(none.json, { InstanceInformationList: [] });
    const properties = await aws(
      'describe-instance-properties',
      '--filters-with-operator',
      `Key=InstanceIds,Values=${id},Operator=Equal`,
    );
    // Older than the operation: Debian 12's 2.9.19.
    if (!/Invalid choice/.test(properties.error)) {
      assert.equal(properties.json?.InstanceProperties[0].InstanceId, id, properties.error);
    }
  });

  await t.test('activations and tags', async () => {
    const made = (await awsWell('create-activation', '--iam-role', 'R', '--registration-limit', '2')).json;
    const listed = await awsWell(
      'describe-activations',
      '--filters',
      `FilterKey=ActivationIds,FilterValues=${made.ActivationId}`,
    );
    assert.equal(listed.json.ActivationList[0].RegistrationLimit, 2);
    assert.equal(listed.json.ActivationList[0].Expired, false);
    // Version 1 prints times as they come, version 2 as text.
    assert.match(
      String(listed.json.ActivationList[0].ExpirationDate),
      /^(20\d\d-\d\d-\d\dT|\d{10}(\.\d{1,3})?$)/,
    );
    await awsWell('delete-activation', '--activation-id', made.ActivationId);
    await awsRefused('InvalidActivation', 'delete-activation', '--activation-id', made.ActivationId);
    const resource = ['--resource-type', 'ManagedInstance', '--resource-id', nodes[0]!];
    await awsWell('add-tags-to-resource', ...resource, '--tags', 'Key=env,Value=prod');
    const tags = await awsWell('list-tags-for-resource', ...resource);
    assert.deepEqual(tags.json.TagList, [{ Key: 'env', Value: 'prod' }]);
    await awsWell('remove-tags-from-resource', ...resource, '--tag-keys', 'env');
  });

  await t.test('what a node is in, and its end', async () => {
    const id = nodes[1]!;
    const rows = await awsWell('describe-instance-associations-status', '--instance-id', id);
    assert.equal(rows.json.InstanceAssociationStatusInfos.length, 2);
    const nothing = await awsWell('describe-instance-associations-status', '--instance-id', nobody);
    assert.deepEqual(nothing.json, { InstanceAssociationStatusInfos: [] });
    assert.equal((await awsWell('get-connection-status', '--target', nobody)).json.Status, 'notconnected');
    await awsWell('update-managed-instance-role', '--instance-id', id, '--iam-role', 'Other');
    await awsWell('get-service-setting', '--setting-id', '/ssm/managed-instance/activation-tier');
    await awsWell('list-associations');
    await awsWell('deregister-managed-instance', '--instance-id', id);
    await awsRefused('InvalidInstanceId', 'deregister-managed-instance', '--instance-id', id);
    nodes = nodes.filter((node) => node !== id);
  });

  await t.test('errors by their codes', async () => {
    const list = 'describe-instance-information';
    await awsRefused('InvalidFilterKey', list, '--filters', 'Key=Colour,Values=red');
    await awsRefused('InvalidInstanceInformationFilterValue', list, '--filters', 'Key=PingStatus,Values=No');
    await awsRefused('UnsupportedOperationException', 'describe-ops-items');
  });
});

test('boto3', { skip: noBoto }, async () => {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const ran = await run(
    'python3',
    [join(import.meta.dirname, 'aws-clients.py')],
    JSON.stringify({ endpoint: server.url, ca: join(folder, 'ca.pem'), accessKeyId, secretAccessKey, nodes }),
  );
  assert.equal(ran.code, 0, ran.error);
  const said = ran.json;
  assert.deepEqual(said.pages.flat().sort(), [...nodes].sort());
  assert.deepEqual(
    said.pages.map((page: string[]) => page.length),
    [50, 50, nodes.length - 100],
  );
  const sum = said.properties.reduce((all: number, one: number) => all + one, 0);
  assert.equal(sum, nodes.length);
  for (const one of [said.one, said.oneOldForm]) {
    assert.equal(one.InstanceInformationList.length, 1);
    const [node] = one.InstanceInformationList;
    assert.deepEqual([node.InstanceId, node.PingStatus, node.Name], [nodes[0], 'Online', 'web']);
    assert.deepEqual([node.LastPingDateTime, node.RegistrationDate], ['datetime', 'datetime']);
    assert.deepEqual([one.requestId, one.retries], [36, 0]);
  }
  assert.deepEqual(said.nobody.InstanceInformationList, []);
  assert.equal(said.activation.ActivationId, 36);
  assert.ok(said.activation.ActivationCode >= 20);
  assert.equal(said.activations.ActivationList[0].CreatedDate, 'datetime');
  assert.deepEqual(said.tags.TagList, [{ Key: 'a', Value: 'ü' }]);
  assert.equal(said.associations.InstanceAssociationStatusInfos.length, 2);
  assert.deepEqual(said.associationsOfNobody.InstanceAssociationStatusInfos, []);
  assert.equal(said.connection.Status, 'notconnected');
  assert.equal(said.setting.ServiceSetting.SettingId, '/ssm/managed-instance/activation-tier');
  for (const name of ['activationDeleted', 'tagged', 'untagged', 'role', 'listed', 'deregistered'])
    assert.equal(said[name].requestId, 36, `${name}: ${JSON.stringify(said[name])}`);
  const refusals = {
    activationGone: 'InvalidActivation',
    badKey: 'InvalidFilterKey',
    badValue: 'InvalidInstanceInformationFilterValue',
    badToken: 'InvalidNextToken',
    deregisteredAgain: 'InvalidInstanceId',
  };
  for (const [name, code] of Object.entries(refusals)) {
    const { message, ...rest } = said[name];
    assert.deepEqual(rest, { code, status: 400, modelled: true }, name);
    assert.notEqual(message, '', name);
  }
  assert.deepEqual([said.both.code, said.both.status], ['ValidationException', 400]);
  assert.deepEqual([said.tooMany.code, said.tooMany.status], ['ValidationException', 400]);
  assert.equal(said.notServed.code, 'UnsupportedOperationException');
});
