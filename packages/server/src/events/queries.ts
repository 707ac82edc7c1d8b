/** The SQL of the events. */
import type { EventsRow, ReadTx } from '../store/index.ts';

/** Which events a reader wants. */
export interface EventFilter {
  readonly subject?: string | undefined;
  /** Only events older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** One page of a region's events, newest first. */
export async function eventPage(tx: ReadTx, region: string, filter: EventFilter): Promise<EventsRow[]> {
  let query = tx.everywhere.selectFrom('events').selectAll().where('region', '=', region);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.before !== undefined) query = query.where('event_id', '<', filter.before);
  return query.orderBy('event_id', 'desc').limit(filter.limit).execute();
}
