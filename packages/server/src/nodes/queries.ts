/** The SQL of single nodes; lists are in `list-query.ts`. */
import type { NodesRow, ReadTx, WriteTx } from '../store/index.ts';

/** A node by its id, in whichever region it is, with the period of its heartbeats (seconds). */
export async function findRow(
  tx: ReadTx,
  nodeId: string,
): Promise<(NodesRow & { period: number }) | undefined> {
  const row = await tx.everywhere
    .selectFrom('nodes')
    .leftJoin('presence', (join) =>
      join.onRef('presence.region', '=', 'nodes.region').onRef('presence.node_id', '=', 'nodes.node_id'),
    )
    .selectAll('nodes')
    .select('presence.period')
    .where('nodes.node_id', '=', nodeId)
    .executeTakeFirst();
  return row && { ...row, period: row.period ?? 300 };
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
