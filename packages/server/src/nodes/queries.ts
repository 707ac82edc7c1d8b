/** The SQL of single nodes; lists are in `list-query.ts`. */
import { sql } from 'kysely';
import { type NodesRow, type ReadTx, rowsOf, type WriteTx } from '../store/index.ts';

/** A node's row with the period of its heartbeats, in seconds. */
export type FoundRow = NodesRow & { readonly period: number };

/** Nodes by their ids, in whichever region each is. */
export async function findRows(tx: ReadTx, nodeIds: readonly string[]): Promise<FoundRow[]> {
  const asked = nodeIds.map((node_id) => ({ node_id }));
  const { rows } = await sql<NodesRow & { period: number | null }>`
    SELECT nodes.*, presence.period AS period
    FROM ${rowsOf(tx, 'asked', asked, { node_id: 'text' })}
    JOIN nodes ON nodes.node_id = asked.node_id
    LEFT JOIN presence ON presence.region = nodes.region AND presence.node_id = nodes.node_id`.execute(
    tx.everywhere,
  );
  return rows.map((row) => ({ ...row, period: row.period ?? 300 }));
}

/** A node of a region that is registered. */
export function registeredRow(tx: ReadTx, region: string, nodeId: string): Promise<NodesRow | undefined> {
  return tx
    .in(region)
    .selectFrom('nodes')
    .selectAll()
    .where('node_id', '=', nodeId)
    .where('deregistered_at', 'is', null)
    .executeTakeFirst();
}

/** Changes a node that is registered; answers whether there was one. */
export async function updateRegistered(
  tx: WriteTx,
  region: string,
  nodeId: string,
  set: Partial<Omit<NodesRow, 'region' | 'node_id'>>,
): Promise<boolean> {
  const result = await tx
    .in(region)
    .updateTable('nodes')
    .set(set)
    .where('node_id', '=', nodeId)
    .where('deregistered_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** How many registered nodes trust which CA; `null` for those that didn't get through yet. */
export async function countTrusts(tx: ReadTx): Promise<{ trusts: string | null; nodes: number }[]> {
  const rows = await tx.everywhere
    .selectFrom('nodes')
    .select((row) => ['trusts', row.fn.countAll<number | string | bigint>().as('nodes')])
    .where('deregistered_at', 'is', null)
    .groupBy('trusts')
    .execute();
  return rows.map((row) => ({ trusts: row.trusts, nodes: Number(row.nodes) }));
}
