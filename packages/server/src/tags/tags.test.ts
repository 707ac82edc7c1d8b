/** Tags: set, removed, listed, and what can't be one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openGround, region } from '../presence/testing.ts';
import type { AnyOperation, Call } from '../service/index.ts';
import { openTags } from './index.ts';

async function openWorld(context: Parameters<typeof openGround>[0]) {
  const { store, clock } = await openGround(context);
  const tags = openTags({ store, clock });
  tags.serve({
    type: 'ManagedInstance',
    arn: (where, account, id) => `arn:aws:ssm:${where}:${account}:managed-instance/${id}`,
    exists: async (_tx, _region, id) => id === 'mi-1',
  });
  const call: Call = {
    id: 'call',
    at: clock.now(),
    region,
    account: '000000000000',
    principal: {
      kind: 'user',
      arn: 'arn:aws:iam::000000000000:user/admin',
      name: 'admin',
      accessKeyId: 'AKIA',
    },
    source: { address: '192.0.2.1', port: 1, userAgent: 'test' },
    operation: 'ssm:Tags',
    headers: {},
  };
  const find = (name: string): AnyOperation => tags.operations.find((one) => one.name === name)!;
  const node = { ResourceType: 'ManagedInstance', ResourceId: 'mi-1' };
  return {
    find,
    call,
    add: (pairs: Record<string, string>, more: object = {}) =>
      find('AddTagsToResource').handle(call, {
        ...node,
        Tags: Object.entries(pairs).map(([Key, Value]) => ({ Key, Value })),
        ...more,
      }),
    remove: (...TagKeys: string[]) => find('RemoveTagsFromResource').handle(call, { ...node, TagKeys }),
    list: async (): Promise<Record<string, string>> => {
      const { TagList } = await find('ListTagsForResource').handle(call, node);
      return Object.fromEntries(TagList.map((tag: { Key: string; Value: string }) => [tag.Key, tag.Value]));
    },
  };
}

test('tags are set, replaced and removed', async (context) => {
  const { add, remove, list } = await openWorld(context);
  await add({ stage: 'test', team: 'blue' });
  await add({ stage: 'prod' });
  await remove('team', 'never-there');
  assert.deepEqual(await list(), { stage: 'prod' });
});

test('fifty tags, and no more', async (context) => {
  const { add, list } = await openWorld(context);
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, '']));
  await add(many);
  await add({ 'key-7': 'replaced' });
  await assert.rejects(add({ 'key-50': '' }), { code: 'TooManyTagsError' });
  assert.equal(Object.keys(await list()).length, 50);
});

test('what is refused, and how', async (context) => {
  const { add } = await openWorld(context);
  await assert.rejects(add({ 'aws:name': 'x' }), { code: 'ValidationException' });
  await assert.rejects(add({ x: '' }, { ResourceId: 'mi-2' }), { code: 'InvalidResourceId' });
  await assert.rejects(add({ x: '' }, { ResourceType: 'Parameter' }), { code: 'InvalidResourceType' });
});

test('policies name the resource', async (context) => {
  const { find, call } = await openWorld(context);
  const { access } = find('AddTagsToResource');
  assert(access.by === 'policy');
  assert.deepEqual(access.resources({ ResourceType: 'ManagedInstance', ResourceId: 'mi-1' }, call), [
    'arn:aws:ssm:us-east-1:000000000000:managed-instance/mi-1',
  ]);
});
