/** `GetConnectionStatus`: connected or not, and never an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../service/index.ts';
import { openGround, openTestPresence, region } from './testing.ts';

test('connected, not connected, and not known', async (context) => {
  const ground = await openGround(context);
  const presence = await openTestPresence(ground);
  await ground.store.write((tx) => presence.registered(tx, region, 'mi-1'));
  const operation = presence.operations[0]!;
  const call = { region, account: '000000000000' } as Call;
  const status = async (Target: string) => (await operation.handle(call, { Target })).Status;
  assert.equal(await status('mi-1'), 'notconnected');
  const epoch = await presence.channelOpened(region, 'mi-1');
  assert.equal(await status('mi-1'), 'connected');
  await presence.channelClosed(region, 'mi-1', epoch ?? 0, 'server');
  assert.equal(await status('mi-1'), 'notconnected');
  assert.equal(await status('ecs:cluster_task_runtime'), 'notconnected');
  assert(operation.access.by === 'policy');
  const resource = (Target: string) =>
    operation.access.by === 'policy' && operation.access.resources({ Target }, call);
  assert.deepEqual(resource('mi-1'), [`arn:aws:ssm:${region}:000000000000:managed-instance/mi-1`]);
  assert.deepEqual(resource('i-1'), [`arn:aws:ec2:${region}:000000000000:instance/i-1`]);
});
