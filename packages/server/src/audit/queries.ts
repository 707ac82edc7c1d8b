/** The SQL of the audit trail. */
import type { ReadTx, WriteTx } from '../store/contract.ts';
import type { AuditRow } from '../store/schema.ts';

/** Which rows a reader wants. */
export interface AuditFilter {
  readonly principal?: string | undefined;
  readonly operation?: string | undefined;
  readonly resource?: string | undefined;
  readonly decision?: 'allow' | 'deny' | undefined;
  /** Only rows older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** One page of a region's trail, newest first. */
export async function auditPage(tx: ReadTx, region: string, filter: AuditFilter): Promise<AuditRow[]> {
  let query = tx.everywhere.selectFrom('audit').selectAll().where('region', '=', region);
  if (filter.principal !== undefined) query = query.where('principal', '=', filter.principal);
  if (filter.operation !== undefined) query = query.where('operation', '=', filter.operation);
  if (filter.resource !== undefined) query = query.where('resource', '=', filter.resource);
  if (filter.decision !== undefined) query = query.where('decision', '=', filter.decision);
  if (filter.before !== undefined) query = query.where('audit_id', '<', filter.before);
  return query.orderBy('audit_id', 'desc').limit(filter.limit).execute();
}

/** Writes folded refusals; a row that is there already is counted up. */
export async function writeRefusals(tx: WriteTx, rows: readonly AuditRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += 500) {
    await tx.everywhere
      .insertInto('audit')
      .values(rows.slice(from, from + 500))
      .onConflict((conflict) =>
        conflict.column('audit_id').doUpdateSet((set) => ({
          count: set('audit.count', '+', set.ref('excluded.count')),
          last_at: set.ref('excluded.last_at'),
          source: set.ref('excluded.source'),
        })),
      )
      .execute();
  }
}

/** Deletes at most `limit` rows whose id is below `before`; answers how many went. */
export async function deleteAuditBefore(tx: WriteTx, before: string, limit: number): Promise<number> {
  const oldest = tx.everywhere
    .selectFrom('audit')
    .select('audit_id')
    .where('audit_id', '<', before)
    .orderBy('audit_id')
    .limit(limit);
  const result = await tx.everywhere.deleteFrom('audit').where('audit_id', 'in', oldest).executeTakeFirst();
  return Number(result.numDeletedRows);
}
