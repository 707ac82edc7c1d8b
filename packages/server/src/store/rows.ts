/**
 * Many values as one parameter: a list of objects becomes a table that a statement can select from. For
 * gathered paths, where one statement writes hundreds of rows.
 */
import { type RawBuilder, sql } from 'kysely';
import type { ReadTx } from './contract.ts';

/** The columns of the made table. */
export type RowColumns<Row> = { readonly [Column in keyof Row & string]: 'text' | 'bigint' };

/**
 * A fragment for `FROM`, aliased `name`, with one row for each of `rows`, in their order. Columns that are
 * undefined in a row are null.
 *
 *     sql`update presence set last_ping = item.at from ${rowsOf(tx, 'item', items, {node_id: 'text', at: 'bigint'})}
 *         where presence.node_id = item.node_id`.execute(tx.everywhere)
 */
export function rowsOf<Row extends object>(
  tx: ReadTx,
  name: string,
  rows: readonly Row[],
  columns: RowColumns<Row>,
): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  const entries = Object.entries(columns) as [string, 'text' | 'bigint'][];
  if (tx.dialect === 'sqlite') {
    // The binary form: of `json_each` each column would write the whole row as text, and read it again.
    const picked = entries.map(
      ([column]) => sql`jsonb_each.value ->> ${sql.lit(column)} as ${sql.ref(column)}`,
    );
    return sql`(select ${sql.join(picked)} from jsonb_each(${json})) as ${sql.ref(name)}`;
  }
  const typed = entries.map(
    ([column, type]) => sql`${sql.ref(column)} ${sql.raw(type === 'text' ? 'text collate "C"' : 'bigint')}`,
  );
  return sql`jsonb_to_recordset(${json}::jsonb) as ${sql.ref(name)}(${sql.join(typed)})`;
}
