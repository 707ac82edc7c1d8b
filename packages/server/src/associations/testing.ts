/** For tests of associations: the whole way from an activation to a node that has its own. */
import type { TestContext } from 'node:test';
import { type ActivationsWorld, openActivationsWorld } from '../activations/testing.ts';
import { account } from '../nodes/testing.ts';
import type { Ground } from '../presence/testing.ts';
import { type Associations, openAssociations } from './index.ts';

/** Opens associations with all that is to their left, joined as a server joins them. */
export async function openAssociationsWorld(
  context: TestContext,
  options: { ground?: Ground } = {},
): Promise<ActivationsWorld> {
  let associations: Associations | undefined;
  const world = await openActivationsWorld(context, {
    ...options,
    hooks: { registered: async (tx, node) => associations?.registered(tx, node) },
  });
  associations = openAssociations({ store: world.store, clock: world.clock, account });
  world.serve(associations.operations);
  return world;
}
