/** What one call leaves behind for the next one on the same connection: nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operation, Refusal } from '../service/index.ts';
import { openTestApi } from './testing.ts';

const nodeId = 'mi-0123456789abcdef0';

test('polls that follow one another on a connection leave nothing behind on it', async (t) => {
  const { ask, sockets } = await openTestApi(t, {
    authenticate: async ({ service }) => ({
      principal: { kind: 'node', arn: `arn:${nodeId}`, nodeId, region: 'us-east-1', by: 'credentials' },
      region: 'us-east-1',
      service,
    }),
    operations: [
      operation({
        service: 'ec2messages',
        name: 'GetMessages',
        access: { by: 'own-node', action: 'ec2messages:GetMessages', node: () => nodeId },
        changes: false,
        waits: true,
        handle: async (call) => {
          assert.equal(call.gone?.aborted, false);
          return { Destination: nodeId, MessagesRequestId: 'x', Messages: [] };
        },
      }),
    ],
  });
  const headers = {
    Authorization: 'AWS4-HMAC-SHA256 Credential=x',
    'X-Amz-Target': 'EC2WindowsMessageDeliveryService.GetMessages',
  };
  const body = JSON.stringify({
    Destination: nodeId,
    MessagesRequestId: '0c5a4a64-8d2e-4b5e-9b2e-3f0f3e2b8a11',
    VisibilityTimeoutInSeconds: 10,
  });
  const poll = async () => {
    const answer = await ask('POST', '/', headers, body);
    assert.equal(answer.status, 200, answer.text);
    return sockets[0]!.listenerCount('close');
  };
  const once = await poll();
  for (let more = 0; more < 20; more++) await poll();
  assert.equal(sockets.length, 1);
  assert.equal(await poll(), once);
});

test('a connection is vouched for by a request that was proved, not by one that was refused', async (t) => {
  let proved = false;
  const { ask, sockets, vouchedFor } = await openTestApi(t, {
    authenticate: async ({ service }) => {
      if (!proved) throw new Refusal('UnrecognizedClientException', 'The key is nobody’s.');
      const arn = 'arn:aws:iam::123456789012:user/admin';
      return {
        principal: { kind: 'user', arn, name: 'admin', accessKeyId: 'AKIA' },
        region: 'us-east-1',
        service,
      };
    },
    operations: [],
  });
  const headers = {
    Authorization: 'AWS4-HMAC-SHA256 Credential=x',
    'X-Amz-Target': 'AmazonSSM.ListCommands',
  };
  await ask('POST', '/', headers, '{}');
  await ask('POST', '/v1/control-channel/mi-0123456789abcdef0', headers, '{}');
  assert.deepEqual(vouchedFor, []);
  proved = true;
  await ask('POST', '/', headers, '{}');
  assert.equal(vouchedFor.length, 1);
  await ask('POST', '/v1/control-channel/mi-0123456789abcdef0', headers, '{}');
  assert.deepEqual(vouchedFor, [sockets[0], sockets[0]]);
});
