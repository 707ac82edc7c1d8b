/** The SQL of the knocks. Both rooms share one table; the limits of each are kept here. */
import { type RawBuilder, sql } from 'kysely';
import type { KnocksRow, ReadTx, WriteTx } from '../store/index.ts';
import { claimsRow, sourcesRow } from './limits.ts';

const perStatement = 500;
/** Who knocks again after this long (milliseconds) came back. */
const returning = 30_000;

/** Writes folded knocks, counting up the rows that are there already. */
export async function writeKnocks(tx: WriteTx, rows: readonly KnocksRow[]): Promise<void> {
  for (const chunk of chunks(rows)) {
    await tx.everywhere
      .insertInto('knocks')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['room', 'source', 'claim', 'reason']).doUpdateSet((set) => ({
          count: set('knocks.count', '+', set.ref('excluded.count')),
          last_at: set.ref('excluded.last_at'),
          address: set.ref('excluded.address'),
          layer: set.ref('excluded.layer'),
          client: set.ref('excluded.client'),
          server_name: set.fn.coalesce('excluded.server_name', 'knocks.server_name'),
          region: set.fn.coalesce('excluded.region', 'knocks.region'),
          detail: set.fn.coalesce('excluded.detail', 'knocks.detail'),
        })),
      )
      .execute();
  }
}

/** Leaves the newest rows of each of these strangers' sources, as many as one may have. */
export async function trimSources(tx: WriteTx, sources: readonly string[]): Promise<void> {
  for (const chunk of chunks(sources)) {
    await sql`
      DELETE FROM knocks WHERE room = 'stranger' AND (source, claim, reason) IN (
        SELECT source, claim, reason FROM (
          SELECT source, claim, reason, row_number() OVER (
            PARTITION BY source
            ORDER BY CASE WHEN claim = '' THEN 0 ELSE 1 END, last_at DESC, claim, reason) AS place
          FROM knocks WHERE room = 'stranger' AND source IN (${sql.join(chunk)})) AS ranked
        WHERE place > ${sourcesRow})`.execute(tx.everywhere);
  }
}

/**
 * Leaves eight rows of each of these claims: by turns the newest and the most counted, so that a newcomer
 * who knows a node's id can't push out the row of the node itself, nor stay out of sight.
 */
export async function trimClaims(tx: WriteTx, claims: readonly string[]): Promise<void> {
  for (const chunk of chunks(claims)) {
    await sql`
      DELETE FROM knocks WHERE room = 'known' AND (source, claim, reason) IN (
        SELECT source, claim, reason FROM (
          SELECT source, claim, reason, row_number() OVER (
            PARTITION BY claim ORDER BY CASE WHEN newest < busiest THEN newest ELSE busiest END, newest) AS place
          FROM (
            SELECT source, claim, reason,
              row_number() OVER (PARTITION BY claim ORDER BY last_at DESC, source, reason) AS newest,
              row_number() OVER (PARTITION BY claim ORDER BY count DESC, source, reason) AS busiest
            FROM knocks WHERE room = 'known' AND claim IN (${sql.join(chunk)})) AS twice) AS ranked
        WHERE place > ${claimsRow})`.execute(tx.everywhere);
  }
}

/** How many rows a room has. */
export async function countRoom(tx: ReadTx, room: KnocksRow['room']): Promise<number> {
  const row = await tx.everywhere
    .selectFrom('knocks')
    .select((select) => select.fn.countAll().as('rows'))
    .where('room', '=', room)
    .executeTakeFirstOrThrow();
  return Number(row.rows);
}

/**
 * Deletes `surplus` rows of a room: first from who has the most; then who came only once, since an honest
 * machine comes back and a made-up claim doesn't; then the oldest.
 */
export async function trimRoom(tx: WriteTx, room: KnocksRow['room'], surplus: number): Promise<void> {
  const owner = sql.ref(room === 'known' ? 'claim' : 'source');
  await sql`
    DELETE FROM knocks WHERE room = ${room} AND (source, claim, reason) IN (
      SELECT source, claim, reason FROM (
        SELECT source, claim, reason, last_at, CASE WHEN last_at - first_at >= ${returning} THEN 1 ELSE 0 END AS came_back,
          row_number() OVER (PARTITION BY ${owner} ORDER BY last_at DESC, source, claim, reason) AS place
        FROM knocks WHERE room = ${room} AND source <> '*') AS ranked
      ORDER BY place DESC, came_back, last_at, source, claim, reason LIMIT ${surplus})`.execute(
    tx.everywhere,
  );
}

/** Which knocks a reader wants; what is undefined doesn't narrow. */
export interface KnockFilter {
  readonly room: KnocksRow['room'] | undefined;
  readonly claim: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
}

/** Where a page ended: the sorting columns of its last row. */
export type KnockPlace = readonly [number, string, string, string, string];

/** One page, the newest first, and how many there are in all. */
export async function knockPage(
  tx: ReadTx,
  filter: KnockFilter,
  after: KnockPlace | undefined,
  limit: number,
): Promise<{ rows: KnocksRow[]; total: number }> {
  let query = tx.everywhere.selectFrom('knocks');
  if (filter.room !== undefined) query = query.where('room', '=', filter.room);
  if (filter.claim !== undefined) query = query.where('claim', '=', filter.claim);
  if (filter.since !== undefined) query = query.where('last_at', '>=', filter.since);
  const { total } = await query.select((s) => s.fn.countAll().as('total')).executeTakeFirstOrThrow();
  let page = query.selectAll();
  if (after) {
    const place: RawBuilder<boolean> = sql`(last_at, room, source, claim, reason) < (${sql.join([...after])})`;
    page = page.where(place);
  }
  const rows = await page
    .orderBy('last_at', 'desc')
    .orderBy('room', 'desc')
    .orderBy('source', 'desc')
    .orderBy('claim', 'desc')
    .orderBy('reason', 'desc')
    .limit(limit)
    .execute();
  return { rows, total: Number(total) };
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += perStatement) yield items.slice(from, from + perStatement);
}
