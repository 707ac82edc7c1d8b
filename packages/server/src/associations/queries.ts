/** The SQL of associations. */
import type { AssociationStatusesRow, AssociationsRow, ReadTx, WriteTx } from '../store/index.ts';
import type { StandardAssociation } from './standard.ts';

/** Gives a node associations. Those that it has already stay as they are: a restored node goes on. */
export async function associate(
  tx: WriteTx,
  region: string,
  nodeId: string,
  associations: readonly StandardAssociation[],
  now: number,
): Promise<void> {
  await tx
    .in(region)
    .insertInto('associations')
    .values(
      associations.map((one) => ({
        association_id: one.associationId,
        name: one.name,
        document_version: '1',
        association_version: '1',
        association_name: one.associationName,
        created_at: now,
      })),
    )
    .onConflict((conflict) => conflict.columns(['region', 'association_id']).doNothing())
    .execute();
  await tx
    .in(region)
    .insertInto('association_statuses')
    .values(
      associations.map((one) => ({
        node_id: nodeId,
        association_id: one.associationId,
        status: one.status,
        detailed_status: one.detailedStatus,
        execution_date: null,
        execution_summary: null,
        error_code: null,
      })),
    )
    .onConflict((conflict) => conflict.columns(['region', 'node_id', 'association_id']).doNothing())
    .execute();
}

/** An association of a node, and how far it has come. */
export type NodeAssociation = AssociationsRow & AssociationStatusesRow;

/** Where a page of {@link nodeAssociations} ended. */
export type AssociationKey = readonly [name: string, associationId: string];

/** The associations of a node that is registered, by document and id; none for any other. */
export async function nodeAssociations(
  tx: ReadTx,
  region: string,
  nodeId: string,
  after: AssociationKey | undefined,
  limit: number,
): Promise<NodeAssociation[]> {
  return tx
    .in(region)
    .selectFrom('association_statuses')
    .innerJoin('associations', (join) =>
      join
        .onRef('associations.region', '=', 'association_statuses.region')
        .onRef('associations.association_id', '=', 'association_statuses.association_id'),
    )
    .innerJoin('nodes', (join) =>
      join
        .onRef('nodes.region', '=', 'association_statuses.region')
        .onRef('nodes.node_id', '=', 'association_statuses.node_id')
        .on('nodes.deregistered_at', 'is', null),
    )
    .selectAll('associations')
    .selectAll('association_statuses')
    .where('association_statuses.node_id', '=', nodeId)
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple('associations.name', 'associations.association_id'),
          '>',
          tuple(after?.[0] ?? '', after?.[1] ?? ''),
        ),
      ),
    )
    .orderBy('associations.name')
    .orderBy('associations.association_id')
    .limit(limit)
    .execute();
}

/** Stores what a node reports; answers whether it has the association. */
export async function updateStatus(
  tx: WriteTx,
  region: string,
  nodeId: string,
  associationId: string,
  set: Pick<
    AssociationStatusesRow,
    'status' | 'detailed_status' | 'execution_date' | 'execution_summary' | 'error_code'
  >,
): Promise<boolean> {
  const result = await tx
    .in(region)
    .updateTable('association_statuses')
    .set(set)
    .where('node_id', '=', nodeId)
    .where('association_id', '=', associationId)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** The associations of a region, by document and id. */
export function regionAssociations(tx: ReadTx, region: string): Promise<AssociationsRow[]> {
  return tx
    .in(region)
    .selectFrom('associations')
    .selectAll()
    .orderBy('name')
    .orderBy('association_id')
    .execute();
}
