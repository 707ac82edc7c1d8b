/** The SQL of the events. */
import type { ReadTx, WriteTx } from '../store/contract.ts';
import type { EventsRow } from '../store/schema.ts';

/** Which events a reader wants. */
export interface EventFilter {
  readonly kind?: string | undefined;
  readonly subject?: string | undefined;
  /** Only events older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** One page of a region's events, newest first. */
export async function eventPage(tx: ReadTx, region: string, filter: EventFilter): Promise<EventsRow[]> {
  let query = tx.everywhere.selectFrom('events').selectAll().where('region', '=', region);
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.before !== undefined) query = query.where('event_id', '<', filter.before);
  return query.orderBy('event_id', 'desc').limit(filter.limit).execute();
}

/** Deletes at most `limit` events whose id is below `before`; answers how many went. */
export async function deleteEventsBefore(tx: WriteTx, before: string, limit: number): Promise<number> {
  const oldest = tx.everywhere
    .selectFrom('events')
    .select('event_id')
    .where('event_id', '<', before)
    .orderBy('event_id')
    .limit(limit);
  const result = await tx.everywhere.deleteFrom('events').where('event_id', 'in', oldest).executeTakeFirst();
  return Number(result.numDeletedRows);
}
