/** Who may send what to whom: policies on documents, nodes and tags, through the door of a real server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';
import { makeKeyPool } from '../harness/key-pool.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';

let server: TestServer;
let fleet: Fleet;
let prod: string;
let other: string;
const clients: ApiClient[] = [];

before(async () => {
  server = await startServer();
  const made = await server.admin.ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 2 });
  fleet = openFleet({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    activation: { id: made.ActivationId, code: made.ActivationCode },
    keys: await makeKeyPool(2),
    messages: 'none',
  });
  await fleet.join(2);
  [prod, other] = fleet.agents.map((agent) => agent.nodeId) as [string, string];
  await server.admin.ask('ssm:AddTagsToResource', {
    ResourceType: 'ManagedInstance',
    ResourceId: prod,
    Tags: [{ Key: 'env', Value: 'prod' }],
  });
});
after(async () => {
  for (const client of clients) client.close();
  await fleet.close();
  await server.stop();
  server.remove();
});

/** A user with these statements, and nothing else. */
async function userWith(...Statement: object[]): Promise<ApiClient> {
  const UserName = `u${clients.length}`;
  const { AccessKey } = await server.admin.ask('rollcall:CreateUser', {
    UserName,
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
  });
  const client = openApiClient({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    credentials: { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey },
  });
  clients.push(client);
  return client;
}

const allow = (Action: string, Resource: string | string[], more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const shell = 'arn:aws:ssm:us-east-1::document/AWS-RunShellScript';
const nodes = 'arn:aws:ssm:us-east-1:*:managed-instance/*';
const send = { DocumentName: 'AWS-RunShellScript', Parameters: { commands: ['true'] } };
const denied = /AccessDeniedException/;

test('a document and tagged nodes: what is named is refused as a whole, what is found node by node', async () => {
  const user = await userWith(
    allow('ssm:SendCommand', shell),
    allow('ssm:SendCommand', nodes, { Condition: { StringEquals: { 'ssm:resourceTag/env': 'prod' } } }),
    allow('ssm:GetCommandInvocation', '*'),
  );
  const { Command } = await user.ask('ssm:SendCommand', { ...send, InstanceIds: [prod] });
  assert.equal(Command.TargetCount, 1);
  await assert.rejects(user.ask('ssm:SendCommand', { ...send, InstanceIds: [prod, other] }), denied);
  const document = { DocumentName: 'AWS-RunPowerShellScript', Parameters: { commands: ['dir'] } };
  await assert.rejects(user.ask('ssm:SendCommand', { ...document, InstanceIds: [prod] }), denied);
  const all = await user.ask('ssm:SendCommand', {
    ...send,
    Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
  });
  assert.equal(all.Command.TargetCount, 2);
  const read = (InstanceId: string) =>
    user.ask('ssm:GetCommandInvocation', { CommandId: all.Command.CommandId, InstanceId });
  assert.equal((await read(prod)).Status, 'Delayed', 'allowed; it has no channel');
  assert.equal((await read(other)).StatusDetails, 'AccessDenied');
});

test('who may send may not cancel, read or list by that; an explicit deny wins', async () => {
  const sender = await userWith(allow('ssm:SendCommand', '*'));
  const { Command } = await sender.ask('ssm:SendCommand', { ...send, InstanceIds: [prod] });
  const one = { CommandId: Command.CommandId };
  for (const [operation, input] of [
    ['ssm:CancelCommand', one],
    ['ssm:ListCommands', {}],
    ['ssm:ListCommandInvocations', one],
    ['ssm:GetCommandInvocation', { ...one, InstanceId: prod }],
    ['rollcall:WatchCommand', one],
    ['rollcall:GetCommandOutput', { ...one, InstanceId: prod, Stream: 'stdout' }],
  ] as const)
    await assert.rejects(sender.ask(operation, input), denied, operation);
  const barred = await userWith(allow('ssm:*', '*'), { ...allow('ssm:SendCommand', nodes), Effect: 'Deny' });
  await assert.rejects(barred.ask('ssm:SendCommand', { ...send, InstanceIds: [prod] }), denied);
});

test('a node sends no commands, and hands in output of its own only', async () => {
  const [mine, theirs] = fleet.agents as [(typeof fleet.agents)[0], (typeof fleet.agents)[0]];
  await assert.rejects(fleet.calls.call(mine, 'AmazonSSM.SendCommand', { ...send, InstanceIds: [prod] }), {
    code: denied,
  });
  await assert.rejects(fleet.calls.call(mine, 'AmazonSSM.ListCommands', {}), { code: denied });
  const reply = { MessageId: `aws.ssm.11111111-2222-4333-8444-555555555555.${theirs.nodeId}`, ReplyId: 'x' };
  await assert.rejects(
    fleet.calls.call(mine, 'EC2WindowsMessageDeliveryService.SendReply', { ...reply, Payload: '{}' }),
    { code: denied },
  );
});
