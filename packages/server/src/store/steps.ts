/** Deletes what is old in small steps, so that a sweep of millions of rows never holds others up. */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Store } from './contract.ts';
import type { Tables } from './schema.ts';

/** How {@link deleteInSteps} goes about it. */
export interface Steps {
  /** Rows in one step; 1000 unless told otherwise. */
  readonly rows?: number;
  /** Asked before each step; answer true to stop early, e.g. when the server stops. */
  stop?(): boolean;
}

/**
 * Deletes the rows of `table` that meet `where`, a step at a time, each its own unit of work. Answers how
 * many it deleted.
 */
export async function deleteInSteps<T extends keyof Tables & string>(
  store: Store,
  table: T,
  where: (row: ExpressionBuilder<Tables, T>) => Expression<SqlBool>,
  steps: Steps = {},
): Promise<number> {
  const most = steps.rows ?? 1000;
  // Kysely can't follow a table that is a type parameter; the signature above is what holds callers.
  const condition = where as unknown as (row: ExpressionBuilder<Tables, 'audit'>) => Expression<SqlBool>;
  const name = table as 'audit';
  const id = sql.raw(store.dialect === 'sqlite' ? 'rowid' : 'ctid');
  for (let total = 0; ; ) {
    if (steps.stop?.()) return total;
    const deleted = await store.write(async (tx) => {
      const chosen = tx.everywhere.selectFrom(name).select(id.as('id')).where(condition).limit(most);
      // PostgreSQL needs an array to go straight to the rows; SQLite takes the list.
      const among =
        tx.dialect === 'sqlite'
          ? sql<SqlBool>`${id} in ${chosen}`
          : sql<SqlBool>`${id} = any(array${chosen})`;
      const result = await tx.everywhere.deleteFrom(name).where(among).executeTakeFirst();
      return Number(result.numDeletedRows);
    });
    total += deleted;
    if (deleted < most) return total;
  }
}
