/** The memory of commands in use: bounded by what it really holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FactsBook } from './command-facts.ts';
import { openCommandsWorld, region } from './testing.ts';

test('who looks for the same command at once is counted once', async (context) => {
  const world = await openCommandsWorld(context);
  const nodeId = await world.member();
  const { CommandId } = await world.send({ InstanceIds: [nodeId] });
  const book = new FactsBook();
  const find = () => world.store.read((tx) => book.find(tx, region, new Set([CommandId])));
  const found = await Promise.all([find(), find(), find()]);
  assert.equal(book.size, found[0]!.get(CommandId)!.content.length);
});
