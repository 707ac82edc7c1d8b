/**
 * What the official agent says on its own, replayed byte for byte but for ids and signatures against a real
 * server, and what it must be answered. A change that breaks this breaks every machine that runs it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../packages/server/src/clock.ts';
import { up } from '../../packages/server/src/main.ts';
import { openApiClient } from '../harness/api-client.ts';
import { freePort, startServer, type TestServer } from '../harness/server.ts';
import { openConnection, type RawAnswer, type RawConnection } from './raw-http.ts';
import {
  clientFrame,
  frameBytes,
  helloBytes,
  newAgent,
  newKeyPair,
  type RecordedAgent,
  recording,
  requestBytes,
} from './recorded-agent.ts';

let server: TestServer;
const connections: RawConnection[] = [];

before(async () => {
  server = await startServer();
});
after(async () => {
  for (const connection of connections) connection.close();
  await server.stop();
  server.remove();
});

async function connection(): Promise<RawConnection> {
  const opened = await openConnection(server.port, server.ca);
  connections.push(opened);
  return opened;
}

async function agentWith(input: object = {}): Promise<RecordedAgent> {
  const made = await server.admin.ask('ssm:CreateActivation', { IamRole: 'SSMServiceRole', ...input });
  return newAgent(`localhost:${server.port}`, { id: made.ActivationId, code: made.ActivationCode });
}

async function exchange(on: RawConnection, agent: RecordedAgent, name: string): Promise<RawAnswer> {
  on.write(requestBytes(agent, name));
  return on.answer();
}

/** A JSON answer must be one that the Go SDK reads: status, type, length, an id; and exactly these members. */
function assertJson(answer: RawAnswer, members: readonly string[], status = 200): Record<string, unknown> {
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.header('content-type'), 'application/x-amz-json-1.1');
  assert.equal(answer.header('content-length'), String(Buffer.byteLength(answer.body)));
  assert.match(answer.header('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(answer.header('content-encoding'), undefined, 'the answer is not compressed');
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  assert.deepEqual(Object.keys(body).sort(), [...members].sort());
  return body;
}

/** A refusal that the agent tells by its code. */
function assertRefused(answer: RawAnswer, code: string): string {
  const body = JSON.parse(answer.body) as { __type?: string; message?: string; Message?: string };
  assert.deepEqual([answer.status, body.__type], [400, code], answer.body);
  assert.equal(answer.header('content-type'), 'application/x-amz-json-1.1');
  return body.message ?? body.Message ?? '';
}

async function register(on: RawConnection, agent: RecordedAgent): Promise<void> {
  const body = assertJson(await exchange(on, agent, 'RegisterManagedInstance'), ['InstanceId']);
  agent.nodeId = String(body.InstanceId);
  assert.match(agent.nodeId, /^mi-[0-9a-f]{17}$/);
}

/** A missing one panics the agent, which then sleeps for five minutes. */
const tokenMembers = [
  'AccessKeyId',
  'SecretAccessKey',
  'SessionToken',
  'TokenExpirationDate',
  'UpdateKeyPair',
];

async function fetchToken(on: RawConnection, agent: RecordedAgent): Promise<void> {
  const body = assertJson(await exchange(on, agent, 'RequestManagedInstanceRoleToken'), tokenMembers);
  assert.match(String(body.AccessKeyId), /^ASIA[A-Z0-9]{16}$/);
  assert.equal(typeof body.TokenExpirationDate, 'number');
  const left = Number(body.TokenExpirationDate) - Date.now() / 1000;
  assert.ok(left > 3_500 && left < 43_200, `it renews at half of ${left} s`);
  assert.equal(body.UpdateKeyPair, false);
  agent.credentials = body as unknown as RecordedAgent['credentials'];
}

/** Opens the control channel, up to its first frame; resolves with the connection that is one now. */
async function openChannel(on: RawConnection, agent: RecordedAgent): Promise<RawConnection> {
  const created = await exchange(on, agent, 'CreateControlChannel');
  assert.equal(created.status, 201, 'any other status is a failure to the agent');
  const xml =
    /^<CreateControlChannelResponse><MessageSchemaVersion>1\.0<\/MessageSchemaVersion><TokenValue>([^<>&]{1,300})<\/TokenValue><\/CreateControlChannelResponse>$/;
  assert.match(created.body, xml);
  agent.channelToken = xml.exec(created.body)![1]!;
  const socket = await connection();
  const upgraded = await exchange(socket, agent, 'OpenControlChannel');
  assert.equal(upgraded.status, 101, upgraded.body);
  assert.equal(upgraded.header('upgrade')?.toLowerCase(), 'websocket');
  assert.equal(upgraded.header('sec-websocket-protocol'), undefined, 'the agent asks for none');
  assert.equal(upgraded.header('sec-websocket-extensions'), undefined, 'the agent knows none');
  socket.write(helloBytes(agent));
  return socket;
}

async function connected(nodeId: string): Promise<void> {
  for (let left = 200; left > 0; left--) {
    const { Status } = await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
    if (Status === 'connected') return;
    await sleep(10);
  }
  assert.fail(`${nodeId} is not connected`);
}

test('the fixture is the agent that it says it is', () => {
  assert.equal(recording.client, 'amazon-ssm-agent 3.3.0.0, aws-sdk-go 1.51.20, Linux');
  assert.ok(Object.keys(recording.exchanges).length >= 19);
});

test('from registration to an open channel, as it boots; and everything it calls after that', async (t) => {
  const agent = await agentWith({ DefaultInstanceName: 'web-1' });
  const sdk = await connection();

  await t.test('it registers, unsigned, and proves its key in chunks', async () => {
    await register(sdk, agent);
    await fetchToken(sdk, agent);
  });

  await t.test('the empty heartbeat, which decides whether it hibernates, and the full one', async () => {
    for (const name of ['UpdateInstanceInformation (empty)', 'UpdateInstanceInformation (full)'])
      assertJson(await exchange(sdk, agent, name), []);
    const { InstanceInformationList } = await server.admin.ask('ssm:DescribeInstanceInformation', {
      Filters: [{ Key: 'InstanceIds', Values: [agent.nodeId] }],
    });
    const { LastPingDateTime, RegistrationDate, ...rest } = InstanceInformationList[0];
    assert.equal(typeof LastPingDateTime, 'number');
    assert.equal(typeof RegistrationDate, 'number');
    assert.deepEqual(
      {
        InstanceId: rest.InstanceId,
        PingStatus: rest.PingStatus,
        AgentVersion: rest.AgentVersion,
        PlatformType: rest.PlatformType,
        PlatformName: rest.PlatformName,
        PlatformVersion: rest.PlatformVersion,
        IPAddress: rest.IPAddress,
        ComputerName: rest.ComputerName,
        ActivationId: rest.ActivationId,
        IamRole: rest.IamRole,
        ResourceType: rest.ResourceType,
        Name: rest.Name,
      },
      {
        InstanceId: agent.nodeId,
        PingStatus: 'Online',
        AgentVersion: '3.3.0.0',
        PlatformType: 'Linux',
        PlatformName: 'Debian GNU/Linux',
        PlatformVersion: '12',
        IPAddress: '192.0.2.2',
        ComputerName: 'vm',
        ActivationId: agent.activationId,
        IamRole: 'SSMServiceRole',
        ResourceType: 'ManagedInstance',
        Name: 'web-1',
      },
    );
  });

  let channel: RawConnection | undefined;
  await t.test('the control channel: 201, XML, a text frame, pongs', async () => {
    channel = await openChannel(await connection(), agent);
    await connected(agent.nodeId);
    channel.write(clientFrame(0x9, Buffer.from('keepalive')));
    // Only a pong with the same bytes keeps it for another minute.
    assert.deepEqual(await channel.bytes(11), Buffer.from('\x8a\x09keepalive', 'latin1'));
  });

  await t.test(
    'answers of jobs that nobody here knows are not acknowledged, and cut nobody off',
    async () => {
      for (const { type } of recording.frames) channel!.write(clientFrame(0x2, frameBytes(type)));
      channel!.write(clientFrame(0x9, Buffer.from('keepalive')));
      assert.deepEqual(await channel!.bytes(11), Buffer.from('\x8a\x09keepalive', 'latin1'));
    },
  );

  const polling = await connection();
  polling.write(requestBytes(agent, 'GetMessages'));

  await t.test('associations: none to run; news of them are written down', async () => {
    const listed = assertJson(await exchange(sdk, agent, 'ListInstanceAssociations'), ['Associations']);
    assert.deepEqual(listed.Associations, []);
    const rows = await server.admin.ask('ssm:DescribeInstanceAssociationsStatus', {
      InstanceId: agent.nodeId,
    });
    agent.associationId = rows.InstanceAssociationStatusInfos[0].AssociationId;
    assertJson(await exchange(sdk, agent, 'UpdateInstanceAssociationStatus'), []);
    assertJson(await exchange(sdk, agent, 'UpdateInstanceAssociationStatus (done)'), []);
    const now = await server.admin.ask('ssm:DescribeInstanceAssociationsStatus', {
      InstanceId: agent.nodeId,
    });
    const row = now.InstanceAssociationStatusInfos.find(
      (one: { AssociationId: string }) => one.AssociationId === agent.associationId,
    );
    assert.equal(row.Status, 'Success');
    assert.equal(typeof row.ExecutionDate, 'number');
  });

  await t.test('it reads a document', async () => {
    const answer = await exchange(sdk, agent, 'GetDocument');
    assert.equal(answer.status, 200);
    const { Name, DocumentVersion, Content } = JSON.parse(answer.body);
    assert.deepEqual([Name, DocumentVersion], ['AWS-RunShellScript', '1']);
    assert.equal(JSON.parse(Content).schemaVersion, '1.2');
  });

  await t.test('what is not served is refused in a way that it can bear', async () => {
    // Of these codes the agent counts none as a reason to rebuild its client.
    assertRefused(await exchange(sdk, agent, 'PutComplianceItems'), 'UnknownOperationException');
    assertRefused(await exchange(sdk, agent, 'PutInventory'), 'UnknownOperationException');
    assertRefused(await exchange(sdk, agent, 'PutInventory (unchanged)'), 'UnknownOperationException');
    assertRefused(await exchange(sdk, agent, 'GetParameters'), 'UnsupportedOperationException');
    for (const name of ['SendReply', 'AcknowledgeMessage'])
      assertRefused(await exchange(sdk, agent, name), 'InvalidMessageIdException');
    const session = await exchange(await connection(), agent, 'CreateDataChannel');
    assert.equal(session.status, 400);
    assert.match(session.body, /^<UnsupportedOperationException>/);
  });

  await t.test('a later heartbeat names its channel', async () => {
    assertJson(await exchange(sdk, agent, 'UpdateInstanceInformation (later)'), []);
  });

  await t.test('it puts a new key in place of the old one', async () => {
    const pair = newKeyPair();
    agent.newPublicKey = pair.publicKey;
    assertJson(await exchange(sdk, agent, 'UpdateManagedInstancePublicKey'), []);
    await fetchToken(sdk, { ...agent, privateKey: pair.privateKey });
    // When it couldn't save the new one, it goes on with the old one.
    await fetchToken(sdk, agent);
    agent.privateKey = pair.privateKey;
    await fetchToken(sdk, agent);
  });

  await t.test('a second channel takes the place of the first', async () => {
    const second = await openChannel(await connection(), agent);
    const closing = await channel!.bytes(4);
    assert.deepEqual([closing[0], closing.readUInt16BE(2)], [0x88, 4409]);
    channel!.write(clientFrame(0x8, closing.subarray(2)));
    await channel!.ended();
    second.write(clientFrame(0x9, Buffer.from('keepalive')));
    assert.deepEqual(await second.bytes(11), Buffer.from('\x8a\x09keepalive', 'latin1'));
    await connected(agent.nodeId);
  });

  await t.test('a node that is deregistered meanwhile: its poll ends, its key opens nothing', async () => {
    await server.admin.ask('ssm:DeregisterManagedInstance', { InstanceId: agent.nodeId });
    const polled = assertJson(await polling.answer(), ['Destination', 'MessagesRequestId', 'Messages']);
    assert.deepEqual(
      [polled.Destination, polled.MessagesRequestId, polled.Messages],
      [agent.nodeId, 'fe7c23a8-cabe-4f7b-8a15-81f93bb11c08', []],
    );
    assertRefused(await exchange(sdk, agent, 'RequestManagedInstanceRoleToken'), 'InvalidInstanceId');
    assertRefused(
      await exchange(sdk, agent, 'UpdateInstanceInformation (full)'),
      'UnrecognizedClientException',
    );
    const refused = await exchange(await connection(), agent, 'CreateControlChannel');
    assert.match(refused.body, /^<UnrecognizedClientException>/);
    // That word would send it to polling for good.
    assert.doesNotMatch(refused.body, /<AccessDeniedException>/);
  });

  await t.test('restored, it goes on with what it has: it asks for new credentials much later', async () => {
    await server.admin.ask('rollcall:RestoreNode', { InstanceId: agent.nodeId });
    assertJson(await exchange(sdk, agent, 'UpdateInstanceInformation (full)'), []);
    const again = await openChannel(await connection(), agent);
    await connected(agent.nodeId);
    again.close();
    await fetchToken(sdk, agent);
    assertJson(await exchange(sdk, agent, 'UpdateInstanceInformation (full)'), []);
  });
});

test('refusals of a registration: each by the code that the agent prints before it exits', async () => {
  const on = await connection();

  const wrong = await agentWith();
  const code = wrong.activationCode;
  wrong.activationCode = 'sampleActivationCode123';
  assertRefused(await exchange(on, wrong, 'RegisterManagedInstance'), 'InvalidActivation');
  const unknown = { ...wrong, activationCode: code, activationId: '11111111-2222-3333-4444-555555555555' };
  assertRefused(await exchange(on, unknown, 'RegisterManagedInstance'), 'InvalidActivation');

  const late = await agentWith({ ExpirationDate: Date.now() / 1000 + 0.2 });
  await sleep(250);
  assertRefused(await exchange(on, late, 'RegisterManagedInstance'), 'ActivationExpired');

  const first = await agentWith();
  await register(on, first);
  const second = { ...first, ...newKeyPair(), nodeId: '' };
  assertRefused(await exchange(on, second, 'RegisterManagedInstance'), 'RegistrationLimitExceeded');

  const { nodeId } = first;
  await register(on, first);
  assert.equal(first.nodeId, nodeId, 'who lost the answer and asks again is the same node');
});

test('refusals of the token request: each code decides how long the agent sleeps', async () => {
  const on = await connection();
  const agent = await agentWith();
  await register(on, agent);

  const other = { ...agent, fingerprint: '9b2e1b2f-4603-4ca6-aae2-54a837c34bba' };
  assertRefused(
    await exchange(on, other, 'RequestManagedInstanceRoleToken'),
    'MachineFingerprintDoesNotMatch',
  );
  const stranger = { ...agent, privateKey: newKeyPair().privateKey };
  assertRefused(await exchange(on, stranger, 'RequestManagedInstanceRoleToken'), 'InvalidInstanceId');
  const nobody = { ...agent, nodeId: 'mi-0123456789abcdef0' };
  assertRefused(await exchange(on, nobody, 'RequestManagedInstanceRoleToken'), 'InvalidInstanceId');

  const behind = { ...agent, skew: -600_000 };
  const said = assertRefused(
    await exchange(on, behind, 'RequestManagedInstanceRoleToken'),
    'InvalidSignatureException',
  );
  assert.match(said, /^Signature expired: /);
  await fetchToken(on, agent);
  assertRefused(
    await exchange(on, { ...agent, skew: 600_000 }, 'UpdateInstanceInformation (empty)'),
    'InvalidSignatureException',
  );
});

test('credentials that have run out: the code that makes it ask for new ones, which it then gets', async () => {
  const data = mkdtempSync(join(tmpdir(), 'rollcall-later-'));
  const port = await freePort();
  const clock = systemClock();
  let later = 0;
  const host = `localhost:${port}`;
  const running = await up(
    {
      listen: { host: 'localhost', port },
      publicUrls: [],
      data,
      regions: ['us-east-1'],
      account: '123456789012',
      store: { kind: 'sqlite' },
      metrics: 'off',
      proxyProtocol: [],
      logLevel: 'silent',
      successorCa: false,
    },
    { clock: { ...clock, now: () => clock.now() + later } },
  );
  const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
  const credentials = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
  const admin = openApiClient({ url: running.url, ca, region: 'us-east-1', credentials });
  const on = await openConnection(port, ca);
  try {
    const made = await admin.ask('ssm:CreateActivation', { IamRole: 'SSMServiceRole' });
    const agent = newAgent(host, { id: made.ActivationId, code: made.ActivationCode });
    await register(on, agent);
    await fetchToken(on, agent);
    later = agent.skew = 3_601_000;
    const beat = 'UpdateInstanceInformation (full)';
    assertRefused(await exchange(on, agent, beat), 'ExpiredTokenException');
    const channel = await exchange(on, agent, 'CreateControlChannel');
    assert.equal(channel.status, 400);
    assert.match(channel.body, /^<ExpiredTokenException>/);
    agent.credentials = assertJson(
      await exchange(on, agent, 'RequestManagedInstanceRoleToken'),
      tokenMembers,
    ) as unknown as RecordedAgent['credentials'];
    assertJson(await exchange(on, agent, beat), []);
  } finally {
    on.close();
    admin.close();
    await running.stop();
    rmSync(data, { recursive: true, force: true });
  }
});

test('a node acts for itself only', async () => {
  const on = await connection();
  const [one, two] = [await agentWith(), await agentWith()];
  await register(on, one);
  await register(on, two);
  await fetchToken(on, one);
  const posing = { ...one, nodeId: two.nodeId };
  assertRefused(await exchange(on, posing, 'UpdateInstanceInformation (full)'), 'AccessDeniedException');
  const refused = await exchange(await connection(), posing, 'CreateControlChannel');
  assert.match(refused.body, /^<AccessDeniedException>/);
});

test('a stop of the server ends a channel and a poll in order, so that the agent comes back at once', async () => {
  const on = await connection();
  const agent = await agentWith();
  await register(on, agent);
  await fetchToken(on, agent);
  const channel = await openChannel(await connection(), agent);
  await connected(agent.nodeId);
  on.write(requestBytes(agent, 'GetMessages'));
  const stopped = server.stop();
  const closing = await channel.bytes(4);
  channel.write(clientFrame(0x8, closing.subarray(2)));
  const polled = await on.answer();
  await stopped;
  assert.equal(
    assertJson(polled, ['Destination', 'MessagesRequestId', 'Messages']).Destination,
    agent.nodeId,
  );
  assert.equal(closing[0], 0x88, 'a close frame');
  assert.equal(closing.readUInt16BE(2), 1012);
  assert.equal(polled.header('connection'), 'close', 'or the stop would wait for the connection to idle out');
});
