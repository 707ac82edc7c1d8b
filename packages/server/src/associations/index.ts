/**
 * Associations: what each node gets by itself when it registers, a software inventory and a patch scan, and
 * how far it has come with them. Running them isn't part of this release.
 */
import type { NodeNews } from '../nodes/index.ts';
import type { AnyOperation } from '../service/index.ts';
import type { Store, WriteTx } from '../store/index.ts';
import { agentOperations } from './agent-operations.ts';
import { associate } from './queries.ts';
import { standardAssociations } from './standard.ts';
import { statusOperations } from './status-operations.ts';

/** What associations need. */
export interface AssociationsDeps {
  readonly store: Store;
  readonly account: string;
  readonly clock: { now(): number };
}

/** The associations. */
export interface Associations {
  readonly operations: readonly AnyOperation[];
  /** Gives a node that registers its associations, in the transaction of the registration. */
  registered(tx: WriteTx, node: NodeNews): Promise<void>;
}

/** Opens the associations. */
export function openAssociations({ store, account, clock }: AssociationsDeps): Associations {
  return {
    operations: [...statusOperations({ store }), ...agentOperations({ store })],
    registered: (tx, { region, nodeId }) =>
      associate(tx, region, nodeId, standardAssociations(account, region), clock.now()),
  };
}
