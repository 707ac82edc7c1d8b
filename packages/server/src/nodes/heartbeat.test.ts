/** Heartbeats: what they write, what they don't, and who may not send them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGround } from '../presence/testing.ts';
import type { Store } from '../store/index.ts';
import { nodePrincipal, openNodesWorld, refusalOf } from './testing.ts';

/** Counts what is asked of a store. */
function counted(store: Store): Store & { counts: Record<'read' | 'write' | 'gather', number> } {
  const counts = { read: 0, write: 0, gather: 0 };
  return {
    dialect: store.dialect,
    backup: (file) => store.backup(file),
    close: () => store.close(),
    counts,
    read(work) {
      counts.read++;
      return store.read(work);
    },
    write(work) {
      counts.write++;
      return store.write(work);
    },
    gather(path, item) {
      counts.gather++;
      return store.gather(path, item);
    },
  };
}

test('a heartbeat with nothing new costs one gathered line', async (context) => {
  const ground = await openGround(context);
  const store = counted(ground.store);
  const world = await openNodesWorld(context, { ground: { ...ground, store }, trustOf: () => 'ca-1' });
  const nodeId = await world.join();
  await world.beat(nodeId);
  await world.beat(nodeId);
  Object.assign(store.counts, { read: 0, write: 0, gather: 0 });
  for (let index = 0; index < 10; index++) await world.beat(nodeId);
  assert.deepEqual(store.counts, { read: 0, write: 0, gather: 10 });
});

test('the short form keeps what is known, and empty text says nothing', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  await world.beat(nodeId, { AvailabilityZone: 'rack-7' });
  await world.call(
    'UpdateInstanceInformation',
    { InstanceId: nodeId, AgentName: 'amazon-ssm-agent', AgentVersion: '3.4.0.0', PlatformType: 'Linux' },
    { principal: nodePrincipal(nodeId) },
  );
  await world.beat(nodeId, { AgentVersion: '3.4.0.0', AvailabilityZone: '' });
  const { InstanceProperties } = await world.call('DescribeInstanceProperties');
  const [{ AgentVersion, ComputerName, PlatformName, AvailabilityZone }] = InstanceProperties;
  assert.deepEqual(
    { AgentVersion, ComputerName, PlatformName, AvailabilityZone },
    {
      AgentVersion: '3.4.0.0',
      ComputerName: 'vm',
      PlatformName: 'Debian GNU/Linux',
      AvailabilityZone: 'rack-7',
    },
  );
});

test('a deregistered node is not heard, and a restored one is', async (context) => {
  const gone: string[] = [];
  const world = await openNodesWorld(context, {
    hooks: { gone: async (_tx, node) => void gone.push(node.nodeId) },
  });
  const nodeId = await world.join();
  await world.beat(nodeId);
  await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
  assert.deepEqual(gone, [nodeId]);
  assert.equal((await refusalOf(world.beat(nodeId))).code, 'InvalidInstanceId');
  const tombstone = await world.nodes.findNode(nodeId);
  assert.deepEqual([tombstone?.registered, tombstone?.epoch], [false, 1], 'its credentials have ended');
  const token = world.call(
    'RequestManagedInstanceRoleToken',
    { Fingerprint: 'fingerprint' },
    { principal: nodePrincipal(nodeId, 'node-key') },
  );
  assert.equal((await refusalOf(token)).message, `Not existing InstanceId ${nodeId}`);
  assert.deepEqual((await world.call('DescribeInstanceInformation')).InstanceInformationList, []);
  const again = world.call('DeregisterManagedInstance', { InstanceId: nodeId });
  assert.equal((await refusalOf(again)).code, 'InvalidInstanceId');

  await world.call('RestoreNode', { InstanceId: nodeId });
  await world.beat(nodeId);
  assert.equal(
    (await world.call('DescribeInstanceInformation')).InstanceInformationList[0].PingStatus,
    'Online',
  );
  const never = world.call('RestoreNode', { InstanceId: 'mi-00000000000000000' });
  assert.equal((await refusalOf(never)).code, 'InvalidInstanceId');
});

test('who came and went is in the audit trail', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  await world.beat(nodeId);
  await world.call('UpdateManagedInstanceRole', { InstanceId: nodeId, IamRole: 'other' });
  await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
  const rows = await world.store.read((tx) =>
    tx.everywhere.selectFrom('audit').select(['operation', 'resource']).orderBy('audit_id').execute(),
  );
  const resource = `arn:aws:ssm:us-east-1:000000000000:managed-instance/${nodeId}`;
  assert.deepEqual(rows, [
    { operation: 'ssm:UpdateManagedInstanceRole', resource },
    { operation: 'ssm:DeregisterManagedInstance', resource },
  ]);
});

test('which CA each node got through with', async (context) => {
  let ca = 'old';
  const world = await openNodesWorld(context, { trustOf: () => ca });
  const [one, two] = [await world.join(), await world.join(), await world.join()];
  await world.beat(one);
  await world.beat(two);
  ca = 'new';
  await world.beat(two);
  const counts = await world.nodes.trustCounts();
  assert.deepEqual(Object.fromEntries(counts.map((row) => [String(row.trusts), row.nodes])), {
    old: 1,
    new: 1,
    null: 1,
  });
});

test('what a heartbeat shows beside what it says: how far the clock is ahead, and where it comes from', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  const row = async () =>
    world.store.read((tx) =>
      tx.everywhere
        .selectFrom('presence')
        .innerJoin('nodes', 'nodes.node_id', 'presence.node_id')
        .select(['presence.skew_ms', 'nodes.peer'])
        .executeTakeFirstOrThrow(),
    );
  const beat = async (headers: Record<string, string>, address: string) => {
    await world.call(
      'UpdateInstanceInformation',
      { InstanceId: nodeId, AgentName: 'x', AgentVersion: '1', ComputerName: 'vm', IPAddress: '192.0.2.2' },
      { principal: nodePrincipal(nodeId), source: { address, port: 1, userAgent: '' }, headers },
    );
    return row();
  };
  // The world's clock stands at the beginning of 2026.
  assert.deepEqual(await beat({ 'x-amz-date': '20260101T000130Z' }, '203.0.113.9'), {
    skew_ms: 90_500,
    peer: '203.0.113.9',
  });
  assert.deepEqual(await beat({ 'x-amz-date': '20251231T235959Z' }, '203.0.113.9'), {
    skew_ms: -500,
    peer: '203.0.113.9',
  });
  assert.deepEqual(await beat({}, '203.0.113.10'), { skew_ms: -500, peer: '203.0.113.10' });
});
