/**
 * The rows that say when servers listened: each server's lease, renewed while it lives, and what is kept
 * of servers that are gone.
 */
import type { ReadTx, ServersRow, WriteTx } from '../store/index.ts';
import { type Interval, leaseLength, listenedSince, listeningUntil } from './blindness.ts';
import { hiddenAfter } from './status.ts';

/** All rows, oldest first. */
export function allServers(tx: ReadTx): Promise<ServersRow[]> {
  return tx.everywhere.selectFrom('servers').selectAll().orderBy('started_at').execute();
}

/** Says that this server listens from now on. */
export async function startLease(tx: WriteTx, serverId: string, now: number): Promise<void> {
  await tx.everywhere
    .insertInto('servers')
    .values({ server_id: serverId, started_at: now, lease_until: now + leaseLength, stopped_at: null })
    .execute();
}

/**
 * Renews the lease. When it ran out before (the machine slept, the database was away), the time between
 * counts as blind: the old row stays as it ended, under another id, and this server starts anew.
 */
export async function renewLease(tx: WriteTx, serverId: string, now: number): Promise<void> {
  const servers = tx.everywhere;
  const renewed = await servers
    .updateTable('servers')
    .set((row) => ({
      lease_until: now + leaseLength,
      // A start that lies ahead was written before the clock was set back. Left, this server wouldn't count as
      // listening until that time has come.
      started_at: row.case().when('started_at', '>', now).then(now).else(row.ref('started_at')).end(),
    }))
    .where('server_id', '=', serverId)
    .where('lease_until', '>=', now)
    .executeTakeFirst();
  if (renewed.numUpdatedRows > 0n) return;
  const old = await servers
    .selectFrom('servers')
    .selectAll()
    .where('server_id', '=', serverId)
    .executeTakeFirst();
  if (old) {
    await servers.deleteFrom('servers').where('server_id', '=', serverId).execute();
    await servers
      .insertInto('servers')
      .values({ ...old, server_id: `${serverId}@${old.started_at}`, stopped_at: old.lease_until })
      .execute();
  }
  await startLease(tx, serverId, now);
}

/**
 * Ends the leases that still run, as of their last renewal: nobody knows how long after it their servers
 * lived. Otherwise the channels of a server that was killed would count as open until its lease runs out.
 */
export async function endOtherLeases(tx: WriteTx, now: number): Promise<void> {
  const running = await tx.everywhere
    .selectFrom('servers')
    .selectAll()
    .where('stopped_at', 'is', null)
    .where('lease_until', '>', now)
    .execute();
  for (const { server_id, started_at, lease_until } of running)
    await endLease(tx, server_id, Math.max(started_at, Math.min(now, lease_until - leaseLength)));
}

/** Says that this server has stopped. */
export async function endLease(tx: WriteTx, serverId: string, now: number): Promise<void> {
  await tx.everywhere
    .updateTable('servers')
    .set({ stopped_at: now })
    .where('server_id', '=', serverId)
    .execute();
}

/**
 * Which rows nobody needs any more, and which can be told as one. Rows go once servers have listened for
 * 31 days since they ended (listened: with the row of a server that stood still for two months, the two
 * months would be forgotten); rows of dead servers that touch are merged into the older one.
 */
export function tidyServers(
  rows: readonly ServersRow[],
  blind: readonly Interval[],
  now: number,
): { readonly gone: readonly string[]; readonly longer: readonly ServersRow[] } {
  const needed = listenedSince(blind, now, hiddenAfter + 86_400_000);
  const gone: string[] = [];
  const longer = new Map<string, ServersRow>();
  let last: ServersRow | undefined;
  for (const row of rows) {
    if (listeningUntil(row) >= now) continue;
    if (listeningUntil(row) < needed) gone.push(row.server_id);
    else if (last && row.started_at <= listeningUntil(last)) {
      gone.push(row.server_id);
      if (listeningUntil(row) > listeningUntil(last)) {
        last = { ...last, stopped_at: listeningUntil(row) };
        longer.set(last.server_id, last);
      }
    } else last = row;
  }
  return { gone, longer: [...longer.values()] };
}
