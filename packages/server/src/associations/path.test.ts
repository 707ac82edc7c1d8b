/** The path that every machine takes: register, get credentials, report in, be in the list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePrincipal, region } from '../nodes/testing.ts';
import { openAssociationsWorld } from './testing.ts';

test('a machine registers, reports in, and is in the list with its two associations', async (context) => {
  const world = await openAssociationsWorld(context);
  const activation = await world.activate({
    DefaultInstanceName: 'web-01',
    Tags: [{ Key: 'stage', Value: 'test' }],
  });
  const nodeId = await world.register(activation);
  assert.match(nodeId, /^mi-[0-9a-f]{17}$/);

  const token = await world.call(
    'RequestManagedInstanceRoleToken',
    { Fingerprint: '26564a6d-cb1f-439f-a40f-eff26d43f3c3' },
    { principal: nodePrincipal(nodeId, 'node-key') },
  );
  assert.deepEqual(JSON.parse(token.SessionToken), { nodeId, region, epoch: 0, roleName: 'service-role' });
  assert.equal(token.UpdateKeyPair, false);
  assert.equal(token.TokenExpirationDate.getTime(), world.clock.now() + 3_600_000);

  await world.call(
    'UpdateInstanceInformation',
    { AgentName: 'amazon-ssm-agent', AgentVersion: '3.3.0.0', InstanceId: nodeId, PlatformType: 'Linux' },
    { principal: nodePrincipal(nodeId) },
  );
  await world.beat(nodeId);

  const list = await world.call('DescribeInstanceInformation');
  assert.deepEqual(list, {
    InstanceInformationList: [
      {
        InstanceId: nodeId,
        PingStatus: 'Online',
        LastPingDateTime: new Date(world.clock.now()),
        AgentVersion: '3.3.0.0',
        PlatformType: 'Linux',
        PlatformName: 'Debian GNU/Linux',
        PlatformVersion: '12',
        ActivationId: activation.ActivationId,
        IamRole: 'service-role',
        RegistrationDate: new Date(world.clock.now()),
        ResourceType: 'ManagedInstance',
        Name: 'web-01',
        IPAddress: '192.0.2.2',
        ComputerName: 'vm',
        AssociationStatus: 'Pending',
        AssociationOverview: {
          DetailedStatus: 'Pending',
          InstanceAssociationStatusAggregatedCount: { Pending: 1, Queued: 1 },
        },
        SourceId: nodeId,
        SourceType: 'AWS::SSM::ManagedInstance',
      },
    ],
  });

  const status = await world.call('DescribeInstanceAssociationsStatus', { InstanceId: nodeId });
  const ids = status.InstanceAssociationStatusInfos.map(
    (row: { AssociationId: string }) => row.AssociationId,
  );
  assert.deepEqual(status, {
    InstanceAssociationStatusInfos: [
      {
        AssociationId: ids[0],
        Name: 'AWS-GatherSoftwareInventory',
        DocumentVersion: '1',
        AssociationVersion: '1',
        InstanceId: nodeId,
        Status: 'Pending',
        DetailedStatus: 'Associated',
      },
      {
        AssociationId: ids[1],
        Name: 'AWS-RunPatchBaseline',
        DocumentVersion: '1',
        AssociationVersion: '1',
        InstanceId: nodeId,
        Status: 'Queued',
        AssociationName: 'SystemAssociationForScanningPatches',
      },
    ],
  });
  const tags = await world.call('ListTagsForResource', {
    ResourceType: 'ManagedInstance',
    ResourceId: nodeId,
  });
  assert.deepEqual(tags, { TagList: [{ Key: 'stage', Value: 'test' }] });
});
