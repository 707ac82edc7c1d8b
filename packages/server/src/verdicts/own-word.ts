/**
 * What a node last said of its own machine, and when it saw that. Whether it still counts is for the judge: old
 * evidence is no proof of now, and none of it says anything of another machine.
 */
import type { NodeEvidence } from '@rollcall/diagnosis';
import type { ReadTx } from '../store/index.ts';
import type { Gathered } from './gather.ts';
import { readNodeEvidence } from './node-evidence.ts';

/** A node's word. */
export interface OwnWord {
  readonly node: NodeEvidence;
  /** By our clock: it was received then, less the time for which the node says that it kept it. */
  readonly nodeSeenAt: number;
}

/** The last words of some nodes of a region, by id. */
export async function ownWords(
  tx: ReadTx,
  region: string,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, OwnWord>> {
  if (nodeIds.length === 0) return new Map();
  const rows = await tx
    .in(region)
    .selectFrom('node_evidence')
    .select(['node_id', 'received_at', 'evidence'])
    .where('node_id', 'in', [...nodeIds])
    .execute();
  return new Map(
    rows.map((row) => {
      const node = readNodeEvidence(row.evidence);
      return [row.node_id, { node, nodeSeenAt: row.received_at - Math.max(0, node.heldMs ?? 0) }];
    }),
  );
}

/** Joins the word of the node that a question is about. */
export async function withOwnWord(tx: ReadTx, region: string, gathered: Gathered): Promise<Gathered> {
  const { evidence, subjects } = gathered;
  const node = subjects.length === 1 ? subjects[0]?.node : undefined;
  if (!node || evidence.node) return gathered;
  const word = (await ownWords(tx, region, [node.node_id])).get(node.node_id);
  return word ? { ...gathered, evidence: { ...evidence, ...word } } : gathered;
}
