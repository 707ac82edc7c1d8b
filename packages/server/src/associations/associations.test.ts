/** Associations: the check for a finished registration, and what agents report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newPublicKey, nodePrincipal, refusalOf } from '../nodes/testing.ts';
import { openAssociationsWorld } from './testing.ts';

test('a node that never registered has none; neither has one that left', async (context) => {
  const world = await openAssociationsWorld(context);
  const rows = async (InstanceId: string) =>
    (await world.call('DescribeInstanceAssociationsStatus', { InstanceId })).InstanceAssociationStatusInfos;
  assert.deepEqual(await rows('i-02573cafcfEXAMPLE'), []);
  const nodeId = await world.register(await world.activate());
  await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
  assert.deepEqual(await rows(nodeId), []);
  await world.call('RestoreNode', { InstanceId: nodeId });
  assert.equal((await rows(nodeId)).length, 2);
  const wrong = world.call('DescribeInstanceAssociationsStatus', { InstanceId: 'web-01' });
  assert.equal((await refusalOf(wrong)).code, 'InvalidInstanceId');
});

test('an association is one for all nodes of a region', async (context) => {
  const world = await openAssociationsWorld(context);
  const activation = await world.activate({ RegistrationLimit: 2 });
  const ids = [
    await world.register(activation),
    await world.register(activation, { PublicKey: newPublicKey(), Fingerprint: 'another' }),
  ];
  const found = new Set<string>();
  for (const InstanceId of ids) {
    const answer = await world.call('DescribeInstanceAssociationsStatus', { InstanceId });
    for (const row of answer.InstanceAssociationStatusInfos) found.add(row.AssociationId);
  }
  assert.equal(found.size, 2);
  for (const id of found)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const { Associations } = await world.call('ListAssociations');
  assert.deepEqual(new Set(Associations.map((one: { AssociationId: string }) => one.AssociationId)), found);
});

test('pages of one', async (context) => {
  const world = await openAssociationsWorld(context);
  const InstanceId = await world.register(await world.activate());
  const first = await world.call('DescribeInstanceAssociationsStatus', { InstanceId, MaxResults: 1 });
  assert.equal(first.InstanceAssociationStatusInfos[0].Name, 'AWS-GatherSoftwareInventory');
  const { NextToken } = first;
  const second = await world.call('DescribeInstanceAssociationsStatus', {
    InstanceId,
    MaxResults: 1,
    NextToken,
  });
  assert.equal(second.InstanceAssociationStatusInfos[0].Name, 'AWS-RunPatchBaseline');
  assert(!('NextToken' in second));
});

test('what an agent reports is shown, and sums up to one word', async (context) => {
  const world = await openAssociationsWorld(context);
  const InstanceId = await world.register(await world.activate());
  const own = { principal: nodePrincipal(InstanceId) };
  const before = await world.call('DescribeInstanceAssociationsStatus', { InstanceId });
  const [inventory, patches] = before.InstanceAssociationStatusInfos;
  const report = (AssociationId: string, Status: string, more: object = {}) =>
    world.call(
      'UpdateInstanceAssociationStatus',
      {
        AssociationId,
        InstanceId,
        ExecutionResult: {
          ErrorCode: '',
          ExecutionDate: new Date(1795436930804),
          ExecutionSummary: '1 out of 1 plugin processed, 1 success, 0 failed, 0 timedout, 0 skipped. ',
          Status,
          ...more,
        },
      },
      own,
    );
  await report(inventory.AssociationId, 'Success');
  const after = await world.call('DescribeInstanceAssociationsStatus', { InstanceId });
  assert.deepEqual(after.InstanceAssociationStatusInfos[0], {
    ...inventory,
    ExecutionDate: new Date(1795436930804),
    Status: 'Success',
    DetailedStatus: 'Success',
    ExecutionSummary: '1 out of 1 plugin processed, 1 success, 0 failed, 0 timedout, 0 skipped. ',
  });
  const status = async () => (await world.call('DescribeInstanceInformation')).InstanceInformationList[0];
  assert.equal((await status()).AssociationStatus, 'Pending');
  await report(patches.AssociationId, 'TimedOut', {
    ErrorCode: 'ExecutionError',
    ExecutionDate: new Date(5),
  });
  assert.equal((await status()).AssociationStatus, 'Failed');
  await report(patches.AssociationId, 'Success', { ExecutionDate: new Date(6) });
  const row = await status();
  assert.deepEqual(row.AssociationOverview, {
    DetailedStatus: 'Success',
    InstanceAssociationStatusAggregatedCount: { Success: 2 },
  });
  assert.equal(row.LastSuccessfulAssociationExecutionDate.getTime(), 1795436930804);
  const filter = (value: string) => ({ Filters: [{ Key: 'AssociationStatus', Values: [value] }] });
  for (const [value, count] of [
    ['Success', 1],
    ['Pending', 0],
    ['Failed', 0],
  ] as const) {
    const { InstanceInformationList } = await world.call('DescribeInstanceInformation', filter(value));
    assert.equal(InstanceInformationList.length, count, value);
  }
  const foreign = report('aaaaaaaa-0000-0000-0000-000000000000', 'Success');
  assert.equal((await refusalOf(foreign)).code, 'AssociationDoesNotExist');
});

test('what the official agent asks on its own', async (context) => {
  const world = await openAssociationsWorld(context);
  const InstanceId = await world.register(await world.activate());
  const own = { principal: nodePrincipal(InstanceId) };
  assert.deepEqual(await world.call('ListInstanceAssociations', { InstanceId, MaxResults: 20 }, own), {
    Associations: [],
  });
  const legacy = { AssociationFilterList: [{ key: 'InstanceId', value: InstanceId }], MaxResults: 1 };
  assert.deepEqual(await world.call('ListAssociations', legacy, own), { Associations: [] });
  const describe = world.call(
    'DescribeAssociation',
    { InstanceId, Name: 'AWS-GatherSoftwareInventory' },
    own,
  );
  assert.equal((await refusalOf(describe)).code, 'AssociationDoesNotExist');
  for (const [name, input] of [
    ['PutInventory', { InstanceId, Items: [] }],
    ['PutComplianceItems', { ResourceId: InstanceId, ResourceType: 'ManagedInstance', Items: [] }],
  ] as const) {
    assert.equal((await refusalOf(world.call(name, input, own))).code, 'UnknownOperationException', name);
  }
});
