/**
 * Every entry point, asked by everybody who may not. The entry points are read from the server's own table, so
 * that a new one can't be forgotten. All are refused with the right code; whoever proved who he is leaves an audit
 * row each time, everybody else a knock.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningServer, up } from '@rollcall/server';
import { signRequest, signWithKeyPair } from '@rollcall/wire';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';
import { makeKeyPool } from '../harness/key-pool.ts';
import { freePort } from '../harness/server.ts';
import { openFleet, type SimulatedAgent } from '../harness/simulated-agent.ts';
import { inputs } from './matrix-inputs.ts';

/** How somebody is let in: by policy, as the node itself, with a node's key, or with an activation's code. */
type Door = 'policy' | 'own-node' | 'node-key' | 'activation';

interface EntryPoint {
  readonly name: string;
  readonly door: Door;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a refusal leaves. */
interface Trail {
  readonly code: string;
  /** The reason of a knock, and who it claims to be. */
  readonly knock?: { readonly reason: string; readonly claim?: string };
  /** Who stands in the audit trail. */
  readonly audit?: string;
}

interface Identity {
  readonly who: string;
  sign(entry: EntryPoint): Record<string, string>;
  /** What he has to get there; undefined where he may come in. */
  refusal(entry: EntryPoint): Trail | undefined;
}

const region = 'us-east-1';
const account = '000000000000';
/** What every node may ask, because it is nobody's in particular. */
const openToNodes = [
  'ssm:DescribeAssociation',
  'ssm:DescribeDocument',
  'ssm:GetDocument',
  'ssm:ListAssociations',
];

test('every entry point refuses everybody who may not come in, and remembers it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-matrix-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const server = await up({
    listen: { host: 'localhost', port },
    publicUrls: [],
    data,
    regions: [region],
    account,
    store: { kind: 'sqlite' },
    metrics: 'off',
    proxyProtocol: [],
    logLevel: 'error',
    successorCa: false,
  });
  try {
    await askAll(server, data);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function askAll(server: RunningServer, data: string): Promise<void> {
  const { url } = server;
  const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
  const { accessKeyId, secretAccessKey } = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
  const administrator = { accessKeyId, secretAccessKey };
  const admin = openApiClient({ url, ca, region, credentials: administrator });
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 8 });
  try {
    const people = await meet(admin, url, ca, administrator);
    const entries = entryPoints(server, people.belongings);
    const knocks = new Map<string, number>();
    const audit = new Map<string, number>();
    const before = await state(admin);
    const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
    let asked = 0;
    for (const { who, sign, refusal } of people.identities) {
      for (const entry of entries) {
        const wanted = refusal(entry);
        if (!wanted) continue;
        const { status, text } = await send(agent, url, entry, sign(entry));
        const label = `${who} at ${entry.name}: ${status} ${text}`;
        assert.ok(status >= 400 && status < 500, label);
        assert.equal(codeOf(text), wanted.code, label);
        asked += 1;
        if (wanted.knock) count(knocks, `${wanted.knock.reason} ${wanted.knock.claim ?? ''}`);
        if (wanted.audit) count(audit, `${wanted.audit} ${entry.name} ${wanted.code}`);
      }
    }
    // Both are written every few seconds.
    await sleep(4_500);
    const rows = await all(admin, 'rollcall:ListKnocks', 'Knocks');
    for (const [key, times] of knocks) {
      const [reason, claim] = key.split(' ');
      const found = rows.filter((row) => row.Reason === reason && (row.Claim ?? '') === claim);
      assert.equal(sum(found), times, `knocks of ${key}`);
    }
    const records = await all(admin, 'rollcall:ListAuditRecords', 'Records', { Decision: 'deny' });
    for (const [key, times] of audit) {
      const found = records.filter((row) => `${row.Principal} ${row.Operation} ${row.Code}` === key);
      assert.equal(sum(found), times, `audit rows of ${key}`);
    }
    assert.deepEqual(await state(admin), before, 'nothing has changed');
    console.log(`${entries.length} entry points, ${people.identities.length} identities, ${asked} refusals`);
  } finally {
    agent.destroy();
    admin.close();
  }
}

/** Makes everybody, and what they will be kept from. */
async function meet(
  admin: ApiClient,
  url: string,
  ca: string,
  administrator: { accessKeyId: string; secretAccessKey: string },
) {
  const userWithKey = async (name: string) => {
    const { AccessKey } = await admin.ask('rollcall:CreateUser', { UserName: name });
    return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  };
  const [nobody, off, gone, victim] = await Promise.all(['nobody', 'off', 'gone', 'victim'].map(userWithKey));
  await admin.ask('rollcall:UpdateAccessKey', { AccessKeyId: off!.accessKeyId, Status: 'Inactive' });
  await admin.ask('rollcall:DeleteUser', { UserName: 'gone' });
  const activation = await admin.ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 9 });
  const keys = await makeKeyPool(10);
  const fleet = openFleet({
    url,
    ca,
    region,
    keys,
    activation: { id: activation.ActivationId, code: activation.ActivationCode },
    messages: 'none',
  });
  const nodes: SimulatedAgent[] = [];
  for (let number = 0; number < 3; number += 1) nodes.push(await fleet.register());
  for (const node of nodes) await fleet.heartbeat(node);
  await fleet.close();
  const [a, b, left] = nodes as [SimulatedAgent, SimulatedAgent, SimulatedAgent];
  await admin.ask('ssm:DeregisterManagedInstance', { InstanceId: left.nodeId });

  const signer =
    (credentials: Credentials, changed: { region?: string; at?: number; service?: string } = {}) =>
    (entry: EntryPoint) =>
      signRequest({
        method: entry.method,
        url: url + entry.path,
        headers: entry.headers,
        body: entry.body,
        region: changed.region ?? region,
        service: changed.service ?? entry.service,
        at: Date.now() + (changed.at ?? 0),
        credentials,
      });
  const keySigner = (nodeId: string, key: number) => (entry: EntryPoint) =>
    signWithKeyPair({
      method: entry.method,
      url: url + entry.path,
      headers: entry.headers,
      body: entry.body,
      region,
      service: entry.service,
      at: Date.now(),
      nodeId,
      privateKey: keys.privateKey(key),
    });
  const knocking = (code: string, reason: string, claim?: string) => (): Trail => ({
    code,
    knock: { reason, ...(claim === undefined ? {} : { claim }) },
  });
  /** Who has no right code is remembered as such, whoever he is besides. */
  const wrongCode: Trail = {
    code: 'InvalidActivation',
    knock: { reason: 'activation-invalid', claim: activation.ActivationId },
  };
  /** Known, and still not let in. */
  const denied = (arn: string, entry: EntryPoint): Trail => ({
    ...(entry.door === 'activation' ? wrongCode : { code: 'AccessDeniedException' }),
    audit: arn,
  });
  const userArn = (name: string) => `arn:aws:iam::${account}:user/${name}`;
  const foreign = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) };
  const temporary = {
    ...foreign,
    accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
    sessionToken: 'FwoGZXIvYXdzE'.repeat(9),
  };
  const key = administrator.accessKeyId;

  const identities: Identity[] = [
    {
      who: 'anonymous',
      sign: (entry) => ({ ...entry.headers }),
      refusal: (entry) =>
        entry.door === 'activation'
          ? wrongCode
          : { code: 'MissingAuthenticationTokenException', knock: { reason: 'unsigned' } },
    },
    {
      who: 'a key of a real account',
      sign: signer(foreign),
      refusal: knocking('UnrecognizedClientException', 'foreign-access-key', foreign.accessKeyId),
    },
    {
      who: 'a session of a real account',
      sign: signer(temporary),
      refusal: knocking('UnrecognizedClientException', 'foreign-access-key', temporary.accessKeyId),
    },
    {
      who: 'our key with a real account’s session token',
      sign: signer({ ...victim!, sessionToken: temporary.sessionToken }),
      refusal: knocking('UnrecognizedClientException', 'foreign-session-token', victim!.accessKeyId),
    },
    {
      who: 'our key with a wrong secret',
      sign: signer({ ...administrator, secretAccessKey: 'x'.repeat(40) }),
      refusal: knocking('InvalidSignatureException', 'signature-mismatch', key),
    },
    {
      who: 'an inactive key',
      sign: signer(off!),
      refusal: knocking('UnrecognizedClientException', 'access-key-inactive', off!.accessKeyId),
    },
    {
      who: 'a user who was deleted',
      sign: signer(gone!),
      refusal: knocking('UnrecognizedClientException', 'foreign-access-key', gone!.accessKeyId),
    },
    {
      who: 'a user without a policy',
      sign: signer(nobody!),
      refusal: (entry) => denied(userArn('nobody'), entry),
    },
    {
      who: 'another region',
      sign: signer(administrator, { region: 'eu-west-9' }),
      refusal: knocking('InvalidSignatureException', 'wrong-region', key),
    },
    {
      who: 'another service',
      sign: signer(administrator, { service: 'sts' }),
      refusal: knocking('InvalidSignatureException', 'wrong-service', key),
    },
    {
      who: 'a clock that is ten minutes late',
      sign: signer(administrator, { at: -600_000 }),
      refusal: knocking('InvalidSignatureException', 'signature-expired', key),
    },
    {
      who: 'a clock that is ten minutes early',
      sign: signer(administrator, { at: 600_000 }),
      refusal: knocking('InvalidSignatureException', 'signature-not-yet-current', key),
    },
    {
      who: 'another node',
      sign: signer(a),
      refusal: (entry) =>
        openToNodes.includes(entry.name)
          ? undefined
          : denied(`arn:aws:sts::${account}:assumed-role/Nodes/${a.nodeId}`, entry),
    },
    {
      who: 'a node that was deregistered, with the session that it had',
      sign: signer(left),
      refusal: knocking('UnrecognizedClientException', 'node-deregistered', left.nodeId),
    },
    {
      who: 'a node with another node’s session token',
      sign: signer({ ...a, sessionToken: b.sessionToken }),
      refusal: knocking('UnrecognizedClientException', 'session-token-of-another-key', a.accessKeyId),
    },
    {
      who: 'a node’s key pair where it isn’t for',
      sign: keySigner(a.nodeId, a.number),
      refusal: (entry) =>
        entry.door === 'node-key'
          ? undefined
          : {
              code: 'UnrecognizedClientException',
              knock: { reason: 'node-key-not-for-this', claim: a.nodeId },
            },
    },
    {
      who: 'a key pair of another node',
      sign: keySigner(b.nodeId, a.number),
      refusal: (entry) =>
        entry.door !== 'node-key'
          ? undefined
          : { code: 'InvalidInstanceId', knock: { reason: 'node-signature-mismatch', claim: b.nodeId } },
    },
    {
      who: 'the key pair of a node that was deregistered',
      sign: keySigner(left.nodeId, left.number),
      refusal: (entry) =>
        entry.door !== 'node-key'
          ? undefined
          : { code: 'InvalidInstanceId', knock: { reason: 'node-deregistered', claim: left.nodeId } },
    },
    {
      who: 'the administrator where only nodes go',
      sign: signer(administrator),
      refusal: (entry) => (entry.door === 'policy' ? undefined : denied(userArn('admin'), entry)),
    },
  ];
  const belongings = {
    nodeId: b.nodeId,
    activationId: activation.ActivationId as string,
    user: 'victim',
    accessKeyId: victim!.accessKeyId,
    publicKey: keys.publicKey(9),
  };
  return { identities, belongings };
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** All that is served, and both halves of a control channel. */
function entryPoints(server: RunningServer, belongings: Parameters<typeof inputs>[0]): EntryPoint[] {
  const prefixes: Record<string, string> = {
    ssm: 'AmazonSSM',
    ec2messages: 'EC2WindowsMessageDeliveryService',
    rollcall: 'Rollcall',
  };
  const known = inputs(belongings);
  const operations = [...server.rules].map(([name, { access }]): EntryPoint => {
    const [service = '', operation = ''] = name.split(':');
    const input = known[name];
    assert.ok(input, `${name} is served: give it an input here, and see that it refuses everybody`);
    return {
      name,
      door: access.by,
      service,
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${prefixes[service]}.${operation}`,
      },
      body: JSON.stringify(input),
    };
  });
  const channel = { door: 'own-node', service: 'ssmmessages' } as const;
  const path = `/v1/control-channel/${belongings.nodeId}`;
  return [
    ...operations,
    {
      ...channel,
      name: 'ssmmessages:CreateControlChannel',
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: randomUUID() }),
    },
    {
      ...channel,
      name: 'ssmmessages:OpenControlChannel',
      method: 'GET',
      path: `${path}?role=subscribe&stream=input`,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': Buffer.alloc(16, 1).toString('base64'),
        'sec-websocket-version': '13',
      },
      body: '',
    },
  ];
}

function send(
  agent: Agent,
  url: string,
  entry: EntryPoint,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    const sent = httpsRequest({
      ...(entry.method === 'POST' ? { agent } : { agent: false, ca: agent.options.ca }),
      hostname,
      port,
      method: entry.method,
      path: entry.path,
      headers,
    });
    sent.on('error', failed);
    sent.on('upgrade', (_response, socket) => {
      socket.destroy();
      done({ status: 101, text: 'let in' });
    });
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', failed);
      response.on('end', () => done({ status: response.statusCode!, text }));
    });
    sent.end(entry.body);
  });
}

/** JSON says it in `__type`, the gateway in XML. */
function codeOf(text: string): string | undefined {
  return /"__type":"(\w+)"/.exec(text)?.[1] ?? /<(?:Code>)?(\w*Exception)\b/.exec(text)?.[1];
}

// biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for.
async function all(admin: ApiClient, operation: string, list: string, input: object = {}): Promise<any[]> {
  const rows: unknown[] = [];
  let NextToken: string | undefined;
  do {
    const page = await admin.ask(operation, { ...input, MaxResults: 500, ...(NextToken && { NextToken }) });
    rows.push(...page[list]);
    NextToken = page.NextToken;
  } while (NextToken);
  return rows;
}

function sum(rows: readonly { Count: number }[]): number {
  return rows.reduce((total, row) => total + row.Count, 0);
}

/** What an intruder would have changed. */
async function state(admin: ApiClient): Promise<unknown> {
  const nodes = await all(admin, 'rollcall:ListNodes', 'Nodes');
  return {
    nodes: nodes.map(({ InstanceId, Tags, LastPingDateTime }) => ({ InstanceId, Tags, LastPingDateTime })),
    users: (await admin.ask('rollcall:ListUsers')).Users,
    settings: (await admin.ask('rollcall:ListSettings')).Settings,
    activations: (await admin.ask('ssm:DescribeActivations')).ActivationList,
    changes: (await all(admin, 'rollcall:ListAuditRecords', 'Records', { Decision: 'allow' })).length,
  };
}
