/** Service settings: what agents and tools ask for, and nothing that would promise what isn't there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNodesWorld, refusalOf } from './testing.ts';

const tier = '/ssm/managed-instance/activation-tier';
const arn = `arn:aws:ssm:us-east-1:000000000000:servicesetting${tier}`;

test('the tier is advanced, asked for by name or ARN', async (context) => {
  const world = await openNodesWorld(context);
  for (const SettingId of [tier, arn]) {
    assert.deepEqual((await world.call('GetServiceSetting', { SettingId })).ServiceSetting, {
      SettingId: tier,
      SettingValue: 'advanced',
      ARN: arn,
      Status: 'Default',
    });
  }
  await world.call('UpdateServiceSetting', { SettingId: tier, SettingValue: 'advanced' });
  const { ServiceSetting } = await world.call('GetServiceSetting', { SettingId: tier });
  assert.deepEqual(ServiceSetting, {
    SettingId: tier,
    SettingValue: 'advanced',
    LastModifiedDate: new Date(world.clock.now()),
    LastModifiedUser: 'arn:aws:iam::000000000000:user/admin',
    ARN: arn,
    Status: 'Customized',
  });
  await world.call('ResetServiceSetting', { SettingId: tier });
  assert.equal((await world.call('GetServiceSetting', { SettingId: tier })).ServiceSetting.Status, 'Default');
});

test('what is not there is refused', async (context) => {
  const world = await openNodesWorld(context);
  const set = (SettingValue: string) =>
    refusalOf(world.call('UpdateServiceSetting', { SettingId: tier, SettingValue }));
  assert.equal((await set('standard')).code, 'ValidationException');
  const missing = world.call('GetServiceSetting', {
    SettingId: '/ssm/parameter-store/high-throughput-enabled',
  });
  assert.equal((await refusalOf(missing)).code, 'ServiceSettingNotFound');
});
