/** Lists of nodes: filters, pages, and who is left out of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pass } from '../presence/testing.ts';
import { checkLists } from './lists.case.ts';
import { openNodesWorld, refusalOf } from './testing.ts';

const day = 86_400_000;

test('filters of every kind', async (context) => {
  await checkLists(await openNodesWorld(context));
});

test('pages hold every node once, though nodes come and go meanwhile', async (context) => {
  const world = await openNodesWorld(context);
  const first: string[] = [];
  for (let index = 0; index < 12; index++) first.push(await world.join());
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const page = await world.call('DescribeInstanceInformation', {
      MaxResults: 5,
      ...(token && { NextToken: token }),
    });
    assert(page.InstanceInformationList.length <= 5);
    seen.push(...page.InstanceInformationList.map((row: { InstanceId: string }) => row.InstanceId));
    token = page.NextToken;
    if (seen.length <= 10) {
      world.clock.advance(1);
      await world.join();
      await world.call('DeregisterManagedInstance', { InstanceId: seen[0] });
      if (seen.length > 5) break;
    }
  } while (token);
  while (token) {
    const page = await world.call('DescribeInstanceInformation', { MaxResults: 5, NextToken: token });
    seen.push(...page.InstanceInformationList.map((row: { InstanceId: string }) => row.InstanceId));
    token = page.NextToken;
  }
  assert.equal(new Set(seen).size, seen.length, 'none twice');
  assert(first.every((id) => seen.includes(id)));
  assert.equal(seen.length, 14);
});

test('a token of another question is refused', async (context) => {
  const world = await openNodesWorld(context);
  for (let index = 0; index < 6; index++) await world.join();
  const { NextToken } = await world.call('DescribeInstanceInformation', { MaxResults: 5 });
  const ask = (input: object, name = 'DescribeInstanceInformation') => refusalOf(world.call(name, input));
  for (const wrong of ['x', 'bnVsbA', 'W10', `${NextToken}x`, NextToken.slice(2)]) {
    assert.equal((await ask({ NextToken: wrong })).code, 'InvalidNextToken', wrong);
  }
  const filtered = { NextToken, Filters: [{ Key: 'PingStatus', Values: ['Online'] }] };
  assert.equal((await ask(filtered)).code, 'InvalidNextToken');
  assert.equal((await ask({ NextToken }, 'DescribeInstanceProperties')).code, 'InvalidNextToken');
});

test('our own list leaves out who was lost for 30 days, and says how many', async (context) => {
  const world = await openNodesWorld(context);
  const old = await world.join({ name: 'old' });
  const never = await world.join({ name: 'never', tags: [{ Key: 'stage', Value: 'test' }] });
  await world.beat(old);
  await world.store.write((tx) =>
    tx.everywhere
      .updateTable('servers')
      .set({ lease_until: world.clock.now() + 90 * day })
      .execute(),
  );
  await pass(world.clock, 5000);
  world.clock.advance(30 * day);
  await pass(world.clock, 5000);
  const recent = await world.join({ name: 'recent' });
  const ids = (answer: { Nodes: { InstanceId: string }[] }) => answer.Nodes.map((row) => row.InstanceId);

  // The machine of this test slept for 30 days: blind, so nobody is hidden.
  assert.deepEqual(
    ids(await world.call('ListNodes')),
    [old, never, recent].sort(byRegistration([old, never, recent])),
  );
  await world.call('DeregisterManagedInstance', { InstanceId: recent });
  const gone = await world.call('ListNodes', { Deregistered: true });
  assert.deepEqual(ids(gone), [recent]);
  assert.equal(gone.Nodes[0].DeregisteredBy, 'arn:aws:iam::000000000000:user/admin');
  assert.equal(gone.Total, 1);
});

function byRegistration(order: readonly string[]) {
  return (a: string, b: string) => order.indexOf(a) - order.indexOf(b);
}
