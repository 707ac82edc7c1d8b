/** What a stranger gets: so many questions and no more, and nothing of what is behind the door when it is broken. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { operation, Refusal } from '../service/index.ts';
import { StoreUnavailable } from '../store/index.ts';
import { openTestApi } from './testing.ts';

const broken = new StoreUnavailable("The database at db.internal:5432 can't be reached.");
const signature = { Authorization: 'AWS4-HMAC-SHA256 Credential=x' };
const channel = '/v1/control-channel/mi-0123456789abcdef0';

/** A door behind which the store is broken. */
const openDoor = (t: TestContext, burst: number, addresses?: readonly string[]) =>
  openTestApi(t, {
    burst,
    ...(addresses && { addresses }),
    authenticate: () => Promise.reject(broken),
    operations: [
      operation({
        service: 'ssm',
        name: 'RegisterManagedInstance',
        access: { by: 'activation' },
        changes: true,
        handle: () => Promise.reject(broken),
      }),
    ],
  });

const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };

test('questions without a signature are counted by address, whatever they are', async (t) => {
  const ways: [string, string, Record<string, string>][] = [
    ['GET', '/healthz', {}],
    // Nobody looks at the signature of a page, nor at what isn't one.
    ['GET', '/readyz', signature],
    ['POST', '/nowhere', signature],
    ['POST', '/', { Authorization: 'Basic eDp5' }],
    ['POST', channel, {}],
    ['GET', channel, { ...upgrade, 'Sec-WebSocket-Key': 'x3JJHMbDL1EzLkh9GBhXDw==' }],
  ];
  for (const [method, path, headers] of ways) {
    const { ask } = await openDoor(t, 1);
    const first = await ask(method, path, headers);
    assert.doesNotMatch(first.text, /Throttling/, `${method} ${path}`);
    const second = await ask(method, path, headers);
    assert.match(second.text, /ThrottlingException/, `${method} ${path}`);
    assert.equal(second.status, 400);
    const signed = await ask('POST', channel, signature);
    assert.doesNotMatch(signed.text, /Throttling/, 'who says who they are is verified, not counted');
  }
});

test('a network of IPv6 addresses is one stranger', async (t) => {
  const { ask } = await openDoor(t, 1, ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']);
  assert.equal((await ask('GET', '/healthz')).status, 200);
  assert.equal((await ask('GET', '/healthz')).status, 400);
  assert.equal((await ask('GET', '/healthz')).status, 200);
});

test('when the store is away: 503, so that clients try again; strangers do not learn where it is', async (t) => {
  const { ask, logged } = await openDoor(t, 100);
  const target = { 'X-Amz-Target': 'AmazonSSM.RegisterManagedInstance' };
  const register = JSON.stringify({
    ActivationId: '00000000-0000-0000-0000-000000000000',
    ActivationCode: 'A'.repeat(24),
    PublicKey: 'A'.repeat(392),
    PublicKeyType: 'Rsa',
    Fingerprint: 'f',
  });
  for (const answer of [
    await ask('POST', '/', target, register),
    await ask('POST', '/', { ...target, ...signature }, '{}'),
    await ask('POST', channel, signature, '{}'),
    await ask('GET', channel, { ...signature, ...upgrade, 'Sec-WebSocket-Key': 'x3JJHMbDL1EzLkh9GBhXDw==' }),
  ]) {
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.text, /ServiceUnavailable/);
    assert.doesNotMatch(answer.text, /db\.internal/);
  }
  assert.equal(logged.length, 4);
  for (const fields of logged) assert.match(JSON.stringify(fields), /db\.internal/);
});

test('false node keys are verified so often from a network, and then not; what is true is not counted', async (t) => {
  let verified = 0;
  let isTrue = true;
  const nodeId = 'mi-0123456789abcdef0';
  const { ask, clock, knocks } = await openTestApi(t, {
    burst: 5,
    authenticate: async ({ service }) => {
      verified++;
      if (!isTrue) throw new Refusal('InvalidInstanceId', 'no', { knock: { reason: 'unknown-node' } });
      const principal = { kind: 'node', arn: nodeId, nodeId, region: 'us-east-1', by: 'node-key' } as const;
      return { principal: { ...principal, arn: `${nodeId}/${verified}` }, region: 'us-east-1', service };
    },
    operations: [
      operation({
        service: 'ssm',
        name: 'UpdateManagedInstancePublicKey',
        access: { by: 'node-key' },
        changes: true,
        handle: async () => ({}),
      }),
    ],
  });
  const target = {
    'X-Amz-Target': 'AmazonSSM.UpdateManagedInstancePublicKey',
    Authorization: `AWS4-HMAC-SHA256 Credential=${nodeId}/20260101/us-east-1/ssm/aws4_request`,
  };
  const body = JSON.stringify({ NewPublicKey: 'A'.repeat(400), NewPublicKeyType: 'Rsa' });
  for (let honest = 0; honest < 20; honest++)
    assert.equal((await ask('POST', '/', target, body)).status, 200);
  isTrue = false;
  for (let forged = 0; forged < 20; forged++) await ask('POST', '/', target, body);
  assert.equal(verified, 25);
  isTrue = true;
  const { status, text } = await ask('POST', '/', target, body);
  assert.equal(status, 400);
  assert.match(text, /ThrottlingException/, 'which clients take as: again, later');
  const { reason, claim } = knocks.at(-1)!;
  assert.deepEqual({ reason, claim }, { reason: 'throttled', claim: nodeId }, 'so that nobody has to wonder');
  clock.advance(1_000);
  assert.equal((await ask('POST', '/', target, body)).status, 200);
});
