/** Registering as many do at once, for a store of either kind. */
import assert from 'node:assert/strict';
import { newPublicKey } from '../nodes/testing.ts';
import { Refusal } from '../service/index.ts';
import type { ActivationsWorld } from './testing.ts';

/** Asserts that of 200 machines at once exactly as many get in as the activation allows. */
export async function checkLimitUnderLoad(world: ActivationsWorld): Promise<void> {
  const limit = 7;
  const activation = await world.activate({ RegistrationLimit: limit });
  const results = await Promise.allSettled(
    Array.from({ length: 200 }, (_, index) =>
      world.register(activation, { PublicKey: newPublicKey(), Fingerprint: `machine ${index}` }),
    ),
  );
  const ids = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const codes = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.equal(ids.length, limit);
  assert.equal(new Set(ids).size, limit);
  for (const refusal of codes) {
    assert(refusal instanceof Refusal, String(refusal));
    assert.equal(refusal.code, 'RegistrationLimitExceeded');
  }
  const { ActivationList } = await world.call('DescribeActivations', {
    Filters: [{ FilterKey: 'ActivationIds', FilterValues: [activation.ActivationId] }],
  });
  assert.equal(ActivationList[0].RegistrationsCount, limit);
  const { InstanceInformationList } = await world.call('DescribeInstanceInformation', {
    Filters: [{ Key: 'ActivationIds', Values: [activation.ActivationId] }],
    MaxResults: 50,
  });
  assert.equal(InstanceInformationList.length, limit);
}

/** Asserts that one machine that asks many times at once becomes one node. */
export async function checkRetriesAtOnce(world: ActivationsWorld): Promise<void> {
  const activation = await world.activate({ RegistrationLimit: 5 });
  const ids = await Promise.all(Array.from({ length: 10 }, () => world.register(activation)));
  assert.equal(new Set(ids).size, 1);
  const { ActivationList } = await world.call('DescribeActivations', {
    Filters: [{ FilterKey: 'ActivationIds', FilterValues: [activation.ActivationId] }],
  });
  assert.equal(ActivationList[0].RegistrationsCount, 1);
}

/** Asserts that a machine whose answer was lost hears the same again, though the activation is full or old by now. */
export async function checkRetryLater(world: ActivationsWorld): Promise<void> {
  const activation = await world.activate({ RegistrationLimit: 1 });
  const nodeId = await world.register(activation);
  assert.equal(await world.register(activation), nodeId);
  world.clock.jump(2 * 86_400_000);
  assert.equal(await world.register(activation), nodeId);
}
