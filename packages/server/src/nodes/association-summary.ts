/** All associations of a node in one word, as lists of nodes show it. What an association is, others know. */
import type { ReadTx } from '../store/index.ts';

/** The associations of a node, summed up. */
export interface AssociationSummary {
  readonly status: 'Success' | 'Pending' | 'Failed';
  /** How many are in which state. */
  readonly counts: Readonly<Record<string, number>>;
  readonly lastExecution: number | undefined;
  readonly lastSuccess: number | undefined;
}

/** Sums up the associations of some nodes; those without any have no entry. */
export async function associationSummaries(
  tx: ReadTx,
  region: string,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, AssociationSummary>> {
  if (nodeIds.length === 0) return new Map();
  const rows = await tx
    .in(region)
    .selectFrom('association_statuses')
    .select(['node_id', 'status', 'execution_date'])
    .where('node_id', 'in', nodeIds)
    .orderBy('node_id')
    .orderBy('association_id')
    .execute();
  const byNode = Map.groupBy(rows, (row) => row.node_id);
  return new Map([...byNode].map(([nodeId, statuses]) => [nodeId, sumUp(statuses)]));
}

function sumUp(rows: readonly { status: string; execution_date: number | null }[]): AssociationSummary {
  const counts: Record<string, number> = {};
  for (const row of rows) counts[row.status] = (counts[row.status] ?? 0) + 1;
  const words = Object.keys(counts);
  const failed = words.includes('Failed') || words.includes('TimedOut');
  const status = failed ? 'Failed' : words.every((word) => word === 'Success') ? 'Success' : 'Pending';
  return {
    status,
    counts,
    lastExecution: newest(rows),
    lastSuccess: newest(rows.filter((row) => row.status === 'Success')),
  };
}

function newest(rows: readonly { execution_date: number | null }[]): number | undefined {
  const dates = rows.flatMap((row) => (row.execution_date === null ? [] : [row.execution_date]));
  return dates.length > 0 ? Math.max(...dates) : undefined;
}
