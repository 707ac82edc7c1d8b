/**
 * The AWS SDK for JavaScript, as it comes, against a real server: its own signer, its retries, its readers and
 * its error classes. What it can't read, nobody's program can.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { after, before, test } from 'node:test';
import {
  AddTagsToResourceCommand,
  CreateActivationCommand,
  DeleteActivationCommand,
  DeregisterManagedInstanceCommand,
  DescribeActivationsCommand,
  DescribeInstanceAssociationsStatusCommand,
  DescribeInstanceInformationCommand,
  type DescribeInstanceInformationRequest,
  DescribeInstancePropertiesCommand,
  DescribeOpsItemsCommand,
  GetCommandInvocationCommand,
  GetConnectionStatusCommand,
  GetServiceSettingCommand,
  type InstanceInformation,
  InvalidActivation,
  InvalidDocument,
  InvalidFilterKey,
  InvalidInstanceId,
  InvalidInstanceInformationFilterValue,
  InvalidNextToken,
  InvalidResourceId,
  InvalidResourceType,
  InvocationDoesNotExist,
  ListCommandInvocationsCommand,
  ListTagsForResourceCommand,
  paginateDescribeActivations,
  paginateDescribeInstanceInformation,
  paginateDescribeInstanceProperties,
  RemoveTagsFromResourceCommand,
  SendCommandCommand,
  SSMClient,
  SSMServiceException,
  UpdateManagedInstanceRoleCommand,
  waitUntilCommandExecuted,
} from '@aws-sdk/client-ssm';
import { makeKeyPool } from '../harness/key-pool.ts';
import { openOfficialJobs } from '../harness/official-jobs.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';

const count = 12;
let server: TestServer;
let fleet: Fleet;
let ssm: SSMClient;
let activationId: string;
const clients: SSMClient[] = [];

function client(over: ConstructorParameters<typeof SSMClient>[0] = {}): SSMClient {
  const made = new SSMClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: server.credentials,
    requestHandler: { httpsAgent: new Agent({ ca: server.ca, keepAlive: true }) },
    ...over,
  });
  clients.push(made);
  return made;
}

before(async () => {
  server = await startServer();
  ssm = client();
  const made = await ssm.send(
    new CreateActivationCommand({
      IamRole: 'SSMServiceRole',
      DefaultInstanceName: 'web',
      Description: 'the fleet',
      RegistrationLimit: count,
      Tags: [{ Key: 'env', Value: 'prod' }],
    }),
  );
  activationId = made.ActivationId!;
  fleet = openFleet({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    activation: { id: activationId, code: made.ActivationCode! },
    keys: await makeKeyPool(count),
    answer: openOfficialJobs().answer,
  });
  await fleet.join(count);
});
after(async () => {
  for (const each of clients) each.destroy();
  await fleet.close();
  await server.stop();
  server.remove();
});

/** The node ids in the order in which they registered. */
async function nodeIds(): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of paginateDescribeInstanceInformation({ client: ssm, pageSize: 5 }, {}))
    for (const node of page.InstanceInformationList ?? []) ids.push(node.InstanceId!);
  return ids;
}

test('pages of the list: every node once, the same order each time, no token at the end', async () => {
  const pages: number[] = [];
  const nodes: InstanceInformation[] = [];
  for await (const page of paginateDescribeInstanceInformation({ client: ssm, pageSize: 5 }, {})) {
    pages.push(page.InstanceInformationList!.length);
    nodes.push(...page.InstanceInformationList!);
  }
  assert.deepEqual(pages, [5, 5, 2]);
  assert.equal(new Set(nodes.map((node) => node.InstanceId)).size, count);
  assert.deepEqual(
    await nodeIds(),
    nodes.map((node) => node.InstanceId),
  );
  const once = await ssm.send(new DescribeInstanceInformationCommand({}));
  assert.equal(once.InstanceInformationList!.length, 10, 'ten, when nothing else is said');
  const last = await ssm.send(new DescribeInstanceInformationCommand({ MaxResults: 50 }));
  assert.equal(last.NextToken, undefined);
  assert.equal(last.$metadata.httpStatusCode, 200);
  assert.match(last.$metadata.requestId!, /^[0-9a-f-]{36}$/);
});

test('a node, member by member: times are dates, what is not there is absent', async () => {
  const { InstanceInformationList } = await ssm.send(
    new DescribeInstanceInformationCommand({
      InstanceInformationFilterList: [{ key: 'ActivationIds', valueSet: [activationId] }],
    }),
  );
  const node = InstanceInformationList![0]!;
  assert.equal(node.PingStatus, 'Online');
  assert.equal(node.ResourceType, 'ManagedInstance');
  assert.equal(node.SourceType, 'AWS::SSM::ManagedInstance');
  assert.equal(node.SourceId, node.InstanceId);
  assert.equal(node.Name, 'web');
  assert.equal(node.IamRole, 'SSMServiceRole');
  assert.equal(node.ActivationId, activationId);
  assert.ok(node.LastPingDateTime instanceof Date && Date.now() - node.LastPingDateTime.getTime() < 60_000);
  assert.ok(node.RegistrationDate instanceof Date && node.RegistrationDate <= node.LastPingDateTime);
  assert.equal(
    'LastAssociationExecutionDate' in node && node.LastAssociationExecutionDate !== undefined,
    false,
  );
  for (const [member, value] of Object.entries(node)) assert.notEqual(value, null, member);
});

test('both forms of filters find the same nodes', async () => {
  const [first] = await nodeIds();
  const ids = async (input: DescribeInstanceInformationRequest) =>
    (await ssm.send(new DescribeInstanceInformationCommand(input))).InstanceInformationList!.map(
      (node) => node.InstanceId,
    );
  assert.deepEqual(await ids({ Filters: [{ Key: 'InstanceIds', Values: [first!] }] }), [first]);
  assert.deepEqual(
    await ids({ InstanceInformationFilterList: [{ key: 'InstanceIds', valueSet: [first!] }] }),
    [first],
  );
  assert.equal((await ids({ Filters: [{ Key: 'PingStatus', Values: ['Online'] }] })).length, 10);
  assert.deepEqual(await ids({ Filters: [{ Key: 'PingStatus', Values: ['ConnectionLost'] }] }), []);
  assert.equal((await ids({ Filters: [{ Key: 'PlatformType', Values: ['Linux'] }] })).length, 10);
  assert.equal(
    (await ids({ InstanceInformationFilterList: [{ key: 'PlatformTypes', valueSet: ['Linux'] }] })).length,
    10,
  );
  assert.equal(
    (await ids({ Filters: [{ Key: 'tag:env', Values: ['prod'] }], MaxResults: 50 })).length,
    count,
  );
  assert.deepEqual(await ids({ Filters: [{ Key: 'tag:env', Values: ['test'] }] }), []);
  assert.equal((await ids({ Filters: [{ Key: 'tag-key', Values: ['env'] }], MaxResults: 50 })).length, count);
  assert.deepEqual(
    await ids({ Filters: [{ Key: 'InstanceIds', Values: ['mi-0123456789abcdef0'] }] }),
    [],
    'well-formed and unknown: an empty list, which every polling script relies on',
  );
});

test('properties: with operators, and paged', async () => {
  const ids: string[] = [];
  const asked = {
    FiltersWithOperator: [{ Key: 'PingStatus', Values: ['ConnectionLost'], Operator: 'NotEqual' as const }],
  };
  for await (const page of paginateDescribeInstanceProperties({ client: ssm, pageSize: 7 }, asked))
    for (const node of page.InstanceProperties ?? []) ids.push(node.InstanceId!);
  assert.deepEqual(ids, await nodeIds());
  const { InstanceProperties } = await ssm.send(new DescribeInstancePropertiesCommand({}));
  assert.ok(InstanceProperties![0]!.LastPingDateTime instanceof Date);
  assert.equal(InstanceProperties![0]!.PingStatus, 'Online');
});

test('activations: made, listed, paged, deleted', async () => {
  const ExpirationDate = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
  const made = await ssm.send(new CreateActivationCommand({ IamRole: 'Other', ExpirationDate }));
  assert.match(made.ActivationId!, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(made.ActivationCode!.length >= 20 && made.ActivationCode!.length <= 250);
  const listed = await ssm.send(
    new DescribeActivationsCommand({
      Filters: [{ FilterKey: 'ActivationIds', FilterValues: [made.ActivationId!] }],
    }),
  );
  const { CreatedDate, ...row } = listed.ActivationList![0]!;
  assert.ok(CreatedDate instanceof Date);
  assert.deepEqual(row, {
    ActivationId: made.ActivationId,
    IamRole: 'Other',
    RegistrationLimit: 1,
    RegistrationsCount: 0,
    ExpirationDate,
    Expired: false,
  });
  const all: string[] = [];
  for await (const page of paginateDescribeActivations({ client: ssm, pageSize: 1 }, {}))
    for (const one of page.ActivationList ?? []) all.push(one.ActivationId!);
  assert.deepEqual(all, [activationId, made.ActivationId]);
  await ssm.send(new DeleteActivationCommand({ ActivationId: made.ActivationId! }));
  await assert.rejects(
    ssm.send(new DeleteActivationCommand({ ActivationId: made.ActivationId! })),
    (error) => error instanceof InvalidActivation && error.message !== '',
  );
});

test('tags: added, listed, replaced, removed', async () => {
  const [first] = await nodeIds();
  const resource = { ResourceType: 'ManagedInstance' as const, ResourceId: first! };
  const tags = async () =>
    Object.fromEntries(
      (await ssm.send(new ListTagsForResourceCommand(resource))).TagList!.map((tag) => [tag.Key, tag.Value]),
    );
  await ssm.send(
    new AddTagsToResourceCommand({
      ...resource,
      Tags: [
        { Key: 'role', Value: 'db' },
        { Key: 'env', Value: 'ステージング' },
      ],
    }),
  );
  assert.deepEqual(await tags(), { env: 'ステージング', role: 'db' });
  await ssm.send(new RemoveTagsFromResourceCommand({ ...resource, TagKeys: ['role', 'never-there'] }));
  assert.deepEqual(await tags(), { env: 'ステージング' });
  await assert.rejects(
    ssm.send(new ListTagsForResourceCommand({ ...resource, ResourceId: 'mi-0123456789abcdef0' })),
    InvalidResourceId,
  );
  await assert.rejects(
    ssm.send(new ListTagsForResourceCommand({ ...resource, ResourceType: 'Nonsense' as 'Document' })),
    (error) => error instanceof InvalidResourceType || (error as Error).name === 'ValidationException',
  );
});

test('connection, associations, role, settings', async (t) => {
  const [first] = await nodeIds();
  const status = async (Target: string) =>
    (await ssm.send(new GetConnectionStatusCommand({ Target }))).Status;
  assert.equal(await status('mi-0123456789abcdef0'), 'notconnected', 'an unknown target is no error');
  await fleet.connected(count, 15_000);
  await t.waitFor(async () => assert.equal(await status(first!), 'connected'), { timeout: 10_000 });
  const { InstanceAssociationStatusInfos } = await ssm.send(
    new DescribeInstanceAssociationsStatusCommand({ InstanceId: first! }),
  );
  assert.equal(InstanceAssociationStatusInfos!.length, 2);
  const unknown = await ssm.send(
    new DescribeInstanceAssociationsStatusCommand({ InstanceId: 'mi-0123456789abcdef0' }),
  );
  assert.deepEqual(unknown.InstanceAssociationStatusInfos, []);
  await ssm.send(new UpdateManagedInstanceRoleCommand({ InstanceId: first!, IamRole: 'NewRole' }));
  const { InstanceInformationList } = await ssm.send(
    new DescribeInstanceInformationCommand({ Filters: [{ Key: 'IamRole', Values: ['NewRole'] }] }),
  );
  assert.deepEqual(
    InstanceInformationList!.map((node) => node.InstanceId),
    [first],
  );
  const setting = await ssm.send(
    new GetServiceSettingCommand({ SettingId: '/ssm/managed-instance/activation-tier' }),
  );
  assert.ok(setting.ServiceSetting!.SettingValue);
});

test('refusals are the classes of the model, with their words', async () => {
  const list = (input: DescribeInstanceInformationRequest) =>
    ssm.send(new DescribeInstanceInformationCommand(input));
  await assert.rejects(list({ Filters: [{ Key: 'Colour', Values: ['red'] }] }), InvalidFilterKey);
  await assert.rejects(
    list({ Filters: [{ Key: 'PingStatus', Values: ['Sleeping'] }] }),
    (error) => error instanceof InvalidInstanceInformationFilterValue && error.message !== '',
  );
  await assert.rejects(list({ NextToken: 'not-one-of-ours' }), InvalidNextToken);
  await assert.rejects(
    ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: 'mi-0123456789abcdef0' })),
    (error) =>
      error instanceof InvalidInstanceId &&
      error.$fault === 'client' &&
      error.$metadata.httpStatusCode === 400 &&
      error.message !== '',
  );
  const named = (name: string) => (error: unknown) =>
    error instanceof SSMServiceException && error.name === name && error.message !== '';
  await assert.rejects(list({ MaxResults: 4 }), named('ValidationException'));
  await assert.rejects(ssm.send(new DescribeOpsItemsCommand({})), named('UnsupportedOperationException'));
});

test('a command to all nodes: sent, waited for, read', async () => {
  await fleet.connected(count);
  const { Command } = await ssm.send(
    new SendCommandCommand({
      DocumentName: 'AWS-RunShellScript',
      Parameters: { commands: ['true'] },
      Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
      MaxConcurrency: '100%',
      Comment: 'all of them',
    }),
  );
  const CommandId = Command!.CommandId!;
  assert.ok(Command!.RequestedDateTime instanceof Date && Command!.ExpiresAfter instanceof Date);
  for (const InstanceId of await nodeIds()) {
    const options = { client: ssm, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
    const { state } = await waitUntilCommandExecuted(options, { CommandId, InstanceId });
    assert.equal(state, 'SUCCESS');
  }
  const { CommandInvocations } = await ssm.send(
    new ListCommandInvocationsCommand({ CommandId, Details: true }),
  );
  assert.equal(CommandInvocations!.length, count);
  for (const one of CommandInvocations!) {
    assert.deepEqual([one.Status, one.InstanceName, one.Comment], ['Success', 'web', 'all of them']);
    assert.deepEqual(
      one.CommandPlugins!.map((plugin) => [plugin.Name, plugin.Status, plugin.ResponseCode]),
      [['aws:runShellScript', 'Success', 0]],
    );
  }
  const got = await ssm.send(
    new GetCommandInvocationCommand({ CommandId, InstanceId: (await nodeIds())[0]! }),
  );
  assert.equal(got.PluginName, 'aws:runShellScript');
  const nowhere = { CommandId, InstanceId: 'mi-0123456789abcdef0' };
  await assert.rejects(ssm.send(new GetCommandInvocationCommand(nowhere)), InvocationDoesNotExist);
  const nothing = { DocumentName: 'Nothing', InstanceIds: [(await nodeIds())[0]!] };
  await assert.rejects(ssm.send(new SendCommandCommand(nothing)), InvalidDocument);
});

test('wrong keys, regions and clocks: named, and a clock that is off mends itself', async () => {
  const named = (name: string) => (error: unknown) =>
    error instanceof SSMServiceException && error.name === name && error.message !== '';
  const ask = (over: ConstructorParameters<typeof SSMClient>[0]) =>
    client(over).send(new DescribeInstanceInformationCommand({}));
  const { accessKeyId, secretAccessKey } = server.credentials;
  await assert.rejects(
    ask({ credentials: { accessKeyId, secretAccessKey: 'x'.repeat(40) } }),
    named('InvalidSignatureException'),
  );
  await assert.rejects(
    ask({ credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey } }),
    named('UnrecognizedClientException'),
  );
  await assert.rejects(ask({ region: 'eu-west-1' }), named('InvalidSignatureException'));
  // The SDK reads our Date header, corrects its clock and tries again.
  const late = await ask({ systemClockOffset: -3_600_000 });
  assert.equal(late.$metadata.attempts, 2);
});

test('deregistered: gone from the list, and a second time is an error', async () => {
  const last = (await nodeIds()).at(-1)!;
  await ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: last }));
  assert.equal((await nodeIds()).includes(last), false);
  await assert.rejects(
    ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: last })),
    InvalidInstanceId,
  );
});
