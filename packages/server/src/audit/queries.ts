/** The SQL of the audit trail. */
import { sql } from 'kysely';
import type { AuditRow, ReadTx, WriteTx } from '../store/index.ts';

/** Which rows a reader wants; what is undefined doesn't narrow. */
export interface AuditFilter {
  readonly principal: string | undefined;
  readonly operation: string | undefined;
  readonly decision: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
}

/** One page of a region's trail, newest first, older than the id `before`; and how many rows match in all. */
export async function auditPage(
  tx: ReadTx,
  region: string,
  filter: AuditFilter,
  before: string | undefined,
  limit: number,
): Promise<{ rows: AuditRow[]; total: number }> {
  let query = tx.everywhere.selectFrom('audit').where('region', '=', region);
  if (filter.principal !== undefined) query = query.where('principal', '=', filter.principal);
  if (filter.operation !== undefined) query = query.where('operation', '=', filter.operation);
  if (filter.decision !== undefined) query = query.where(sql<boolean>`decision = ${filter.decision}`);
  if (filter.since !== undefined) query = query.where('last_at', '>=', filter.since);
  const { total } = await query.select((row) => row.fn.countAll().as('total')).executeTakeFirstOrThrow();
  const page = before === undefined ? query : query.where('audit_id', '<', before);
  const rows = await page.selectAll().orderBy('audit_id', 'desc').limit(limit).execute();
  return { rows, total: Number(total) };
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
