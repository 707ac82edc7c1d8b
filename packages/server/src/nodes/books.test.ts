/** How long a node in memory is believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store/index.ts';
import { NodeBooks } from './books.ts';
import { openNodesWorld } from './testing.ts';

test('what another server changed is seen within two seconds, also after the clock was set back', async (context) => {
  const { store, clock, ...world } = await openNodesWorld(context);
  const nodeId = await world.join();
  const rename = (computer_name: string) =>
    store.write((tx) =>
      tx.everywhere.updateTable('nodes').set({ computer_name }).where('node_id', '=', nodeId).execute(),
    );
  await rename('before');
  // Only PostgreSQL is shared with other servers; what counts here is who asks it, and when.
  const shared: Store = { ...store, dialect: 'postgres', read: (work) => store.read(work) };
  const books = new NodeBooks(shared, clock, () => 0);
  const name = async () => (await books.find(nodeId))?.row.computer_name;
  assert.equal(await name(), 'before');
  await rename('after');
  assert.equal(await name(), 'before');
  clock.step(-86_400_000);
  clock.advance(2_000);
  assert.equal(await name(), 'after');
});
