/**
 * Nodes: what has registered, what it says of itself, and the lists of it. How a node proves who it is,
 * `identity` knows; how it comes to register, `activations`; whether it is there, `presence`.
 */
import type { AnyOperation } from '../service/index.ts';
import type { WriteTx } from '../store/index.ts';
import { NodeBooks } from './books.ts';
import type { NodesCore, NodesDeps } from './core.ts';
import { heartbeatOperation } from './heartbeat.ts';
import { keyOperations } from './keys.ts';
import { listOperations } from './lists.ts';
import { isNodeId, type NodeIdentity, nodeArn } from './node.ts';
import { countTrusts, registeredRow } from './queries.ts';
import { type NewNode, registerNode, registryOperations } from './registry.ts';
import { serviceSettingOperations } from './service-settings.ts';

export type { MintedCredentials, NodeHooks, NodeNews, NodesDeps } from './core.ts';
export { invalidPublicKey } from './keys.ts';
export { isNodeId, kindOf, type NodeIdentity, type NodeKind, nodeArn, readPublicKey } from './node.ts';
export type { NewNode } from './registry.ts';

/** The nodes of this installation. */
export interface Nodes {
  readonly operations: readonly AnyOperation[];
  /** Who a node is, deregistered or not; `undefined` when the id was never given to one. From memory when it can be. */
  findNode(nodeId: string): Promise<NodeIdentity | undefined>;
  /** Makes a node in the caller's transaction; answers its id. */
  register(tx: WriteTx, node: NewNode): Promise<string>;
  /** How many registered nodes last got through by which CA (fingerprint; `null`: not yet). */
  trustCounts(): Promise<{ trusts: string | null; nodes: number }[]>;
}

/** Opens the nodes. */
export function openNodes(deps: NodesDeps): Nodes {
  const { trustOf = () => undefined, keyGrace = () => 7 * 86_400_000, hooks = {}, ...rest } = deps;
  const books = new NodeBooks(deps.store, deps.clock, keyGrace);
  const core: NodesCore = { ...rest, trustOf, keyGrace, hooks, books };
  deps.tags.serve({
    type: 'ManagedInstance',
    arn: nodeArn,
    exists: async (tx, region, id) => isNodeId(id) && (await registeredRow(tx, region, id)) !== undefined,
  });
  return {
    operations: [
      heartbeatOperation(core),
      ...keyOperations(core),
      ...listOperations(core),
      ...registryOperations(core),
      ...serviceSettingOperations(core),
    ],
    async findNode(nodeId) {
      return (await books.find(nodeId))?.identity;
    },
    register: (tx, node) => registerNode(core, tx, node),
    trustCounts: () => deps.store.read(countTrusts),
  };
}
