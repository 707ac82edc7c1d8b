/** The SQL of presence: hot paths that write many nodes as one statement, and the history. */
import { sql } from 'kysely';
import { type Gathered, type PresenceRow, type ReadTx, rowsOf, type WriteTx } from '../store/index.ts';
import { defaultPeriod, longestPeriod } from './status.ts';

/** A heartbeat to write. */
export interface Ping {
  readonly region: string;
  readonly nodeId: string;
  readonly at: number;
}

/** A heartbeat, and how far the node's clock is ahead by its signature, in milliseconds. */
export interface Heartbeat extends Ping {
  readonly skew?: number | undefined;
}

/** A channel that was opened on this server. */
export interface Opening extends Ping {
  readonly server: string;
}

/** A channel that ended; only counts while its epoch is the newest. */
export interface Closing extends Ping {
  readonly epoch: number;
  readonly by: 'node' | 'server' | 'silence';
}

interface HistoryEntry extends Ping {
  readonly change: string;
}

/** Rows are always locked in the same order, or two servers would wait for each other. */
function inOrder<T extends Ping>(items: Iterable<T>): T[] {
  return [...items].sort((a, b) => (a.nodeId < b.nodeId ? -1 : a.nodeId > b.nodeId ? 1 : 0));
}

/**
 * Heartbeats of several servers, written out of order, differ by seconds (milliseconds). What lies further ahead
 * was written while our clock was wrong: kept, it would call the node online until that time has come.
 */
const clocksDiffer = 300_000;

const keyed = sql`presence.region = item.region AND presence.node_id = item.node_id`;
const gapNow = sql`((item.at - presence.last_ping + 30000) / 60000 * 60)`;

/**
 * Writes heartbeats. A period is learned from two equal gaps in a row, rounded to the minute. Only rows
 * that exist are written, so a heartbeat that was on its way can't bring a deregistered node back. Answers
 * the period of each node, in seconds.
 */
export const pings: Gathered<Heartbeat, number | undefined> = {
  name: 'presence.ping',
  async write(tx, items) {
    const newest = new Map<string, Heartbeat>();
    for (const item of items) {
      const known = newest.get(item.nodeId);
      if (!known || known.at < item.at) newest.set(item.nodeId, item);
    }
    const rows = inOrder(newest.values()).map(({ region, nodeId, at, skew }) => ({
      region,
      node_id: nodeId,
      at,
      skew,
    }));
    const written = await sql<{ region: string; node_id: string; gap: number | null; period: number }>`
      UPDATE presence SET
        period = CASE WHEN ${gapNow} >= 60 AND ${gapNow} = presence.gap
          THEN CASE WHEN ${gapNow} < ${sql.lit(defaultPeriod)} THEN ${sql.lit(defaultPeriod)}
            WHEN ${gapNow} > ${sql.lit(longestPeriod)} THEN ${sql.lit(longestPeriod)} ELSE ${gapNow} END
          ELSE presence.period END,
        gap = ${gapNow},
        last_ping = CASE WHEN presence.last_ping > item.at AND presence.last_ping < item.at + ${sql.lit(clocksDiffer)}
          THEN presence.last_ping ELSE item.at END,
        skew_ms = COALESCE(item.skew, presence.skew_ms)
      FROM ${rowsOf(tx, 'item', rows, { region: 'text', node_id: 'text', at: 'bigint', skew: 'bigint' })}
      WHERE ${keyed}
      RETURNING presence.region AS region, presence.node_id AS node_id, presence.gap AS gap, presence.period AS period
    `.execute(tx.everywhere);
    const back = written.rows.filter((row) => row.gap === null || row.gap > 2 * row.period);
    await writeHistory(
      tx,
      back.map((row) => ({
        region: row.region,
        nodeId: row.node_id,
        at: newest.get(row.node_id)?.at ?? 0,
        change: row.gap === null ? 'heard' : `heard after ${row.gap} s`,
      })),
    );
    const periods = new Map(written.rows.map((row) => [row.node_id, row.period]));
    return items.map((item) => periods.get(item.nodeId));
  },
};

/** Opens channels; answers the epoch of each, or `undefined` for a node that isn't there. */
export const openings: Gathered<Opening, number | undefined> = {
  name: 'presence.open',
  async write(tx, items) {
    const byNode = new Map<string, Opening[]>();
    for (const item of items) {
      const known = byNode.get(item.nodeId);
      if (known) known.push(item);
      else byNode.set(item.nodeId, [item]);
    }
    const rows = inOrder([...byNode.values()].map((openings) => openings.at(-1)!)).map((item) => ({
      region: item.region,
      node_id: item.nodeId,
      at: item.at,
      server: item.server,
      count: byNode.get(item.nodeId)?.length ?? 1,
    }));
    const written = await sql<{ node_id: string; epoch: number }>`
      UPDATE presence SET epoch = presence.epoch + item.count, channel_server = item.server,
        opened_at = item.at, closed_at = NULL, closed_by = NULL
      FROM ${rowsOf(tx, 'item', rows, { region: 'text', node_id: 'text', at: 'bigint', server: 'text', count: 'bigint' })}
      WHERE ${keyed}
      RETURNING presence.node_id AS node_id, presence.epoch AS epoch
    `.execute(tx.everywhere);
    const epochs = new Map(written.rows.map((row) => [row.node_id, row.epoch]));
    await writeHistory(
      tx,
      rows
        .filter((row) => epochs.has(row.node_id))
        .map((row) => ({ region: row.region, nodeId: row.node_id, at: row.at, change: 'opened' })),
    );
    return items.map((item) => {
      const newest = epochs.get(item.nodeId);
      const all = byNode.get(item.nodeId) ?? [];
      return newest === undefined ? undefined : newest - (all.length - 1 - all.indexOf(item));
    });
  },
};

/** Closes channels; answers whether it was still the newest. */
export const closings: Gathered<Closing, boolean> = {
  name: 'presence.close',
  async write(tx, items) {
    const newest = new Map<string, Closing>();
    for (const item of items) {
      const known = newest.get(item.nodeId);
      if (!known || known.epoch < item.epoch) newest.set(item.nodeId, item);
    }
    const rows = inOrder(newest.values()).map((item) => ({
      region: item.region,
      node_id: item.nodeId,
      at: item.at,
      epoch: item.epoch,
      closer: item.by,
    }));
    const written = await sql<{ node_id: string }>`
      UPDATE presence SET closed_at = item.at, closed_by = item.closer
      FROM ${rowsOf(tx, 'item', rows, { region: 'text', node_id: 'text', at: 'bigint', epoch: 'bigint', closer: 'text' })}
      WHERE ${keyed} AND presence.epoch = item.epoch AND presence.closed_at IS NULL
      RETURNING presence.node_id AS node_id
    `.execute(tx.everywhere);
    const closed = new Set(written.rows.map((row) => row.node_id));
    await writeHistory(
      tx,
      [...newest.values()]
        .filter((item) => closed.has(item.nodeId))
        .map((item) => ({ ...item, change: `closed by ${item.by}` })),
    );
    return items.map((item) => closed.has(item.nodeId) && newest.get(item.nodeId) === item);
  },
};

async function writeHistory(tx: WriteTx, entries: readonly HistoryEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ region, nodeId, at, change }) => ({ region, node_id: nodeId, at, change }));
  await sql`INSERT INTO presence_history (region, node_id, at, change)
    SELECT item.region, item.node_id, item.at, item.change
    FROM ${rowsOf(tx, 'item', rows, { region: 'text', node_id: 'text', at: 'bigint', change: 'text' })} WHERE 1 = 1
    ON CONFLICT DO NOTHING`.execute(tx.everywhere);
}

/** A node's row. */
export function presenceRow(tx: ReadTx, region: string, nodeId: string): Promise<PresenceRow | undefined> {
  return tx.in(region).selectFrom('presence').selectAll().where('node_id', '=', nodeId).executeTakeFirst();
}

/** The row of a node that has just registered: never heard, no channel. */
export async function insertPresence(tx: WriteTx, region: string, nodeId: string): Promise<void> {
  await tx
    .in(region)
    .insertInto('presence')
    .values({
      node_id: nodeId,
      last_ping: null,
      gap: null,
      period: defaultPeriod,
      epoch: 0,
      channel_server: null,
      opened_at: null,
      closed_at: null,
      closed_by: null,
    })
    .execute();
}
