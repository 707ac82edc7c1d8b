/** Tokens and key rotation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPublicKey } from './node.ts';
import { newPublicKey, nodePrincipal, openNodesWorld, refusalOf } from './testing.ts';

test('a machine that isn’t the one that registered gets no token', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  const refusal = await refusalOf(
    world.call(
      'RequestManagedInstanceRoleToken',
      { Fingerprint: 'another' },
      { principal: nodePrincipal(nodeId, 'node-key') },
    ),
  );
  assert.equal(refusal.code, 'MachineFingerprintDoesNotMatch');
  assert.deepEqual(refusal.knock, { reason: 'fingerprint-changed', claim: nodeId });
});

test('a new key takes over at once, and the one before is good for a week', async (context) => {
  const world = await openNodesWorld(context);
  const nodeId = await world.join();
  const rotate = (NewPublicKey: string) =>
    world.call(
      'UpdateManagedInstancePublicKey',
      { NewPublicKey, NewPublicKeyType: 'Rsa' },
      { principal: nodePrincipal(nodeId, 'node-key') },
    );
  const keys = async () =>
    (await world.nodes.findNode(nodeId))?.publicKeys.map((key) =>
      key.export({ format: 'der', type: 'spki' }).toString('base64'),
    );
  const [first] = (await keys()) ?? [];
  const second = newPublicKey();
  await rotate(second);
  await rotate(second);
  assert.deepEqual(await keys(), [second, first], 'a retry does not push out the old one');
  world.clock.jump(7 * 86_400_000);
  assert.deepEqual(await keys(), [second]);
  await rotate(first!);
  assert.deepEqual(await keys(), [first, second], 'an agent that could not save puts the old one back');
  assert.equal((await refusalOf(rotate('nonsense'))).code, 'InvalidPublicKey');
});

test('the key that a rotation was signed with stays good, however many answers are lost', async (context) => {
  let grace = 7 * 86_400_000;
  const world = await openNodesWorld(context, { keyGrace: () => grace });
  const nodeId = await world.join();
  const keys = async () =>
    (await world.nodes.findNode(nodeId))?.publicKeys.map((key) =>
      key.export({ format: 'der', type: 'spki' }).toString('base64'),
    );
  const [held] = (await keys()) ?? [];
  const key = readPublicKey(held!, 'Rsa')!;
  const principal = { ...nodePrincipal(nodeId, 'node-key'), key };
  const rotate = (NewPublicKey: string) =>
    world.call('UpdateManagedInstancePublicKey', { NewPublicKey, NewPublicKeyType: 'Rsa' }, { principal });
  // The official agent makes another pair for each try.
  for (let lost = 0; lost < 3; lost++) {
    const next = newPublicKey();
    await rotate(next);
    assert.deepEqual(await keys(), [next, held]);
  }
  const [newest] = (await keys()) ?? [];
  await rotate(held!);
  assert.deepEqual(await keys(), [held, newest], 'put back, it is the current one');
  grace = 0;
  assert.deepEqual(await keys(), [held], 'an operator can end the grace at once');
});
