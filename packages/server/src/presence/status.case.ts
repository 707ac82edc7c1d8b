/** The table of cases against the SQL, for a store of either kind. */
import assert from 'node:assert/strict';
import { sql } from 'kysely';
import type { Store } from '../store/index.ts';
import { expected, factsOf, type PresenceCase, presenceCases, viewOf } from './cases.ts';
import type { NodePresence } from './status.ts';
import { connectedSql, hiddenSql, statusSql } from './status-sql.ts';

const now = Date.UTC(2026, 5, 1);

/** Asserts that the SQL says of each case what the table says. */
export async function checkCasesInSql(store: Store): Promise<void> {
  for (const one of presenceCases) assert.deepEqual(await inSql(store, one), expected(one), one.title);
}

async function inSql(store: Store, one: PresenceCase): Promise<NodePresence> {
  const { registered_at, ...row } = factsOf(one, now);
  const view = viewOf(one, now);
  return store.read(async (tx) => {
    const value = (text: unknown, type: 'text' | 'bigint') => sql`CAST(${text} AS ${sql.raw(type)})`;
    const { rows } = await sql<{ status: NodePresence['status']; connected: number; hidden: number }>`
      SELECT ${statusSql(view)} AS status,
        CASE WHEN ${connectedSql(view)} THEN 1 ELSE 0 END AS connected,
        CASE WHEN ${hiddenSql(view)} THEN 1 ELSE 0 END AS hidden
      FROM (SELECT ${value(row.last_ping, 'bigint')} AS last_ping, ${value(row.period, 'bigint')} AS period,
          ${value(row.channel_server, 'text')} AS channel_server, ${value(row.opened_at, 'bigint')} AS opened_at,
          ${value(row.closed_at, 'bigint')} AS closed_at, ${value(row.closed_by, 'text')} AS closed_by) AS presence,
        (SELECT ${value(registered_at, 'bigint')} AS registered_at) AS nodes`.execute(tx.everywhere);
    const found = rows[0]!;
    return {
      status: found.status,
      connected: Number(found.connected) === 1,
      hidden: Number(found.hidden) === 1,
    };
  });
}
