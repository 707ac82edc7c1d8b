/** Lists of nodes: filters, pages, and who is left out of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passListening } from '../presence/testing.ts';
import { checkLists } from './lists.case.ts';
import { openNodesWorld, refusalOf } from './testing.ts';

const day = 86_400_000;

test('filters of every kind', async (context) => {
  await checkLists(await openNodesWorld(context));
});

test('pages hold every node once, though nodes come and go meanwhile', async (context) => {
  const world = await openNodesWorld(context);
  const first: string[] = [];
  for (let index = 0; index < 12; index++) {
    world.clock.jump(1);
    first.push(await world.join());
  }
  const seen: string[] = [];
  for (let token: string | undefined, page = 0; page === 0 || token; page++) {
    const answer = await world.call('DescribeInstanceInformation', {
      MaxResults: 5,
      ...(token && { NextToken: token }),
    });
    seen.push(...answer.InstanceInformationList.map((row: { InstanceId: string }) => row.InstanceId));
    token = answer.NextToken;
    if (page > 1) continue;
    world.clock.jump(1);
    await world.join();
    await world.call('DeregisterManagedInstance', { InstanceId: first[page * 5] });
  }
  assert.deepEqual(
    seen.slice(0, 12),
    first,
    'in the order of registration, those that were there all the time',
  );
  assert.equal(new Set(seen).size, 14, 'and those that came meanwhile, none twice');
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
  await world.beat(old, { ComputerName: 'old.lan' });
  await passListening(world, 31 * day);
  const never = await world.join({ name: 'never', tags: [{ Key: 'stage', Value: 'test' }] });
  const ids = (answer: { Nodes: { InstanceId: string }[] }) => answer.Nodes.map((row) => row.InstanceId);

  const list = await world.call('ListNodes');
  assert.deepEqual(list, {
    Nodes: [
      {
        InstanceId: never,
        Name: 'never',
        PingStatus: 'ConnectionLost',
        RegistrationDate: new Date(world.clock.now()),
        ChannelOpen: false,
        Hidden: false,
        ActivationId: '11111111-2222-3333-4444-555555555555',
        Tags: [{ Key: 'stage', Value: 'test' }],
      },
    ],
    Total: 1,
    HiddenCount: 1,
  });
  const hidden = await world.call('ListNodes', { Hidden: true });
  assert.deepEqual(ids(hidden), [old]);
  assert.equal(hidden.Total, 1);
  const aws = await world.call('DescribeInstanceInformation');
  assert.equal(aws.InstanceInformationList.length, 2, "AWS's list has it still");

  await world.beat(old);
  assert.deepEqual(ids(await world.call('ListNodes')), [old, never], 'back by itself');
  assert.deepEqual(ids(await world.call('ListNodes', { Name: 'vm' })), [old], 'by its computer name');
  assert.deepEqual(ids(await world.call('ListNodes', { Name: never })), [never], 'by its id');
});
