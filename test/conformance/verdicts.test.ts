/** Why a machine isn't in the list, asked of a real server by real clients: what each of them may learn. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';
import { makeKeyPool } from '../harness/key-pool.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { type Fleet, openFleet } from '../harness/simulated-agent.ts';

const machines = 13;
let server: TestServer;
let fleet: Fleet;
let ids: string[];
let activationId: string;

before(async () => {
  server = await startServer();
  const made = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'Nodes',
    RegistrationLimit: machines,
  });
  activationId = made.ActivationId;
  fleet = openFleet({
    url: server.url,
    ca: server.ca,
    region: 'us-east-1',
    activation: { id: made.ActivationId, code: made.ActivationCode },
    keys: await makeKeyPool(machines),
    messages: 'none',
  });
  await fleet.join(machines);
  ids = fleet.agents.map((agent) => agent.nodeId);
});
after(async () => {
  await fleet.close();
  await server.stop();
  server.remove();
});

/** A GET without any credentials. */
function get(path: string, headers: object = {}, servername = 'localhost') {
  return new Promise<{ status: number; type: string; body: string }>((done, failed) => {
    const options = {
      host: 'localhost',
      port: server.port,
      path,
      ca: server.ca,
      servername,
      headers: { ...headers },
    };
    const asking = request(options, (answer) => {
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('end', () =>
        done({ status: answer.statusCode ?? 0, type: String(answer.headers['content-type']), body }),
      );
    });
    asking.on('error', failed);
    asking.end();
  });
}

test('the echo: what is seen of a connection, without a key, and nothing that stands in the books', async () => {
  const { status, type, body } = await get('/echo', { via: '1.1 inspector' });
  assert.equal(status, 200);
  assert.equal(type, 'application/json');
  const echo = JSON.parse(body);
  assert.equal(echo.format, 1);
  assert.ok(Math.abs(echo.now - Date.now()) < 5_000);
  assert.match(echo.address, /^(127\.0\.0\.1|::1)$/);
  assert.equal(echo.serverName, 'localhost');
  assert.match(echo.tls.version, /^TLSv1\.[23]$/);
  assert.equal(echo.client, 'node');
  assert.deepEqual(echo.onTheWay, { via: '1.1 inspector' });
  assert.doesNotMatch(body, /mi-|000000000000/);
});

test('a node that is well, by its id; one that nobody knows', async () => {
  const answer = await server.admin.ask('rollcall:Why', { Subject: ids[0], Document: 'AWS-RunShellScript' });
  const verdict = JSON.parse(answer.Verdict);
  assert.equal(verdict.version, 1);
  assert.equal(verdict.subject.nodeId, ids[0]);
  assert.equal(verdict.answers.listed, 'yes');
  assert.equal(verdict.answers.pickable, 'yes');
  const nobody = JSON.parse((await server.admin.ask('rollcall:Why', { Subject: 'nobody-here' })).Verdict);
  assert.equal(nobody.answers.listed, 'no');
  assert.notEqual(nobody.confidence, 'proven');
});

test('the clocks of nodes are measured by what they sign', async () => {
  const { Evidence } = await server.admin.ask('rollcall:Why', { Subject: ids[0], WithEvidence: true });
  const { records, fleet: others } = JSON.parse(Evidence);
  assert.ok(Math.abs(records.node.skewMs) < 5_000, String(records.node.skewMs));
  assert.equal(others.nodes, machines);
  assert.equal(others.certificate.names.includes('localhost'), true);
  assert.match(others.certificate.fingerprint, /^[0-9a-f]{64}$/);
});

test('who may not list nodes is told that, and nothing of the node; who may not ask why isn’t told', async () => {
  const userWith = async (...Action: string[]): Promise<ApiClient> => {
    const UserName = `user-${Action.length}`;
    const statement = { Effect: 'Allow', Action, Resource: '*' };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const { AccessKey } = await server.admin.ask('rollcall:CreateUser', { UserName, PolicyDocument });
    const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
    return openApiClient({ url: server.url, ca: server.ca, region: 'us-east-1', credentials });
  };
  const blind = await userWith('rollcall:Why', 'rollcall:ListPickable');
  const verdict = JSON.parse((await blind.ask('rollcall:Why', { Subject: ids[0] })).Verdict);
  assert.equal(verdict.cause, 'caller-not-authorised');
  assert.equal(verdict.subject.nodeId, undefined);
  const pickable = await blind.ask('rollcall:ListPickable', { DocumentName: 'AWS-RunShellScript' });
  assert.equal(pickable.MaySend, false);
  assert.equal(pickable.CanCount, 0);
  assert.deepEqual(
    pickable.Reasons.map((one: { Reason: string; Count: number }) => [one.Reason, one.Count]),
    [['rights', machines]],
  );
  const nobody = await userWith('ssm:DescribeInstanceInformation');
  await assert.rejects(nobody.ask('rollcall:Why', { Subject: ids[0] }), /AccessDenied/);
  blind.close();
  nobody.close();
});

test('a node tells of its own machine only', async () => {
  const evidence = (name: string) =>
    JSON.stringify({
      format: 1,
      at: Date.now(),
      by: 'agent',
      privileged: true,
      unseen: [],
      host: {
        name,
        os: { id: 'debian', name: 'Debian', version: '12' },
        platform: 'Linux',
        kernel: '6.1',
        arch: 'x64',
        addresses: [],
        macs: ['52:54:00:12:34:56'],
      },
      agents: [],
      endpoints: [],
    });
  const [agent, other] = fleet.agents;
  const put = (InstanceId: string) =>
    fleet.calls.call(agent!, 'Rollcall.PutNodeEvidence', {
      InstanceId,
      Evidence: evidence('seen-by-itself'),
    });
  await put(agent!.nodeId);
  await assert.rejects(put(other!.nodeId), /AccessDenied/);
  const { Evidence } = await server.admin.ask('rollcall:Why', { Subject: agent!.nodeId, WithEvidence: true });
  assert.equal(JSON.parse(Evidence).node.host.name, 'seen-by-itself');
  await server.admin.ask('rollcall:ImportRoster', {
    Source: 'dc1',
    Format: 'csv',
    Text: 'name,mac\nby-mac,52-54-00-12-34-56\n',
  });
  const { Machines } = await server.admin.ask('rollcall:ListMachines', {});
  assert.deepEqual([Machines[0].InstanceId, Machines[0].JoinedBy], [agent!.nodeId, 'mac']);
});

test('a machine whose activation has run out is refused, and renewing it lets the machine in', async () => {
  const { Events } = await server.admin.ask('rollcall:ListEvents', { MaxResults: 1 });
  const following = server.admin.ask('rollcall:ListEvents', { After: Events[0].Id, WaitSeconds: 20 });
  const renewed = await server.admin.ask('rollcall:RenewActivation', {
    ActivationId: activationId,
    RegistrationLimit: machines + 1,
  });
  assert.equal(renewed.RegistrationsCount, machines);
  await server.admin.ask('ssm:DeregisterManagedInstance', { InstanceId: ids[0] });
  const [event] = (await following).Events;
  assert.deepEqual([event.Kind, event.Subject], ['node-deregistered', ids[0]], 'told as it happens');
});

test('more than ten deregistrations by one hand are one event', async () => {
  for (const InstanceId of ids.slice(1))
    await server.admin.ask('ssm:DeregisterManagedInstance', { InstanceId });
  const { Events } = await server.admin.ask('rollcall:ListEvents', { MaxResults: 100 });
  const single = Events.filter((event: { Kind: string }) => event.Kind === 'node-deregistered');
  const bulk = Events.filter((event: { Kind: string }) => event.Kind === 'deregistered-in-bulk');
  assert.equal(single.length, 10);
  assert.equal(bulk.length, 1);
  assert.match(bulk[0].Detail, /user\/admin deregistered 13 nodes within ten minutes/);
  const all = await server.admin.ask('rollcall:WhyAll', {});
  assert.equal(
    all.Counts.Expected,
    1,
    'the machine of the roster; nodes that were taken out are not expected',
  );
  assert.equal(all.Groups[0].Cause, 'deregistered-in-bulk');
});
