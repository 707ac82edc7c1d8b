/** Nodes on PostgreSQL, wherever the SQL differs or many do the same at once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { checkLimitUnderLoad, checkRetriesAtOnce, checkRetryLater } from '../activations/register.case.ts';
import { checkLists } from '../nodes/lists.case.ts';
import { openNodesWorld } from '../nodes/testing.ts';
import { checkCasesInSql } from '../presence/status.case.ts';
import { openGround, openTestPresence, region } from '../presence/testing.ts';
import { openAssociationsWorld } from './testing.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

const linguistic = () => server.createDatabase({ collation: 'linguistic' });

test('what a node is', async (context) => {
  await checkCasesInSql((await openGround(context, await linguistic())).store);
});

test('registering, many at once', async (context) => {
  const ground = await openGround(context, await linguistic());
  const world = await openAssociationsWorld(context, { ground });
  await checkLimitUnderLoad(world);
  await checkRetriesAtOnce(world);
  await checkRetryLater(world);
});

test('lists and filters', async (context) => {
  const ground = await openGround(context, await linguistic());
  await checkLists(await openNodesWorld(context, { ground }));
});

test('heartbeats and channels of two servers', async (context) => {
  const ground = await openGround(context, await linguistic());
  const one = await openTestPresence(ground, { serverId: 'one' });
  const two = await openTestPresence(ground, { serverId: 'two' });
  const ids = Array.from({ length: 40 }, (_, index) => `mi-${index}`);
  await ground.store.write(async (tx) => {
    for (const id of ids) await one.registered(tx, region, id);
  });
  const at = ground.clock.now();
  await Promise.all(ids.flatMap((id) => [one.ping(region, id, at), two.ping(region, id, at + 1)]));
  const epochs = await Promise.all(
    ids.flatMap((id) => [one.channelOpened(region, id), two.channelOpened(region, id)]),
  );
  assert.deepEqual([...new Set(epochs)].sort(), [1, 2]);
  const closed = await Promise.all(ids.map((id) => one.channelClosed(region, id, 1, 'node')));
  assert(
    closed.every((ours) => !ours),
    'only the newest counts',
  );
});
