/** The SQL of the events. */
import type { EventsRow, ReadTx } from '../store/index.ts';

/** Which events a reader wants. */
export interface EventFilter {
  readonly subject?: string | undefined;
  /** Only events older than this id. */
  readonly before?: string | undefined;
  /** Only events newer than this id, and then the oldest first. */
  readonly after?: string | undefined;
  /** Only what happened until then: what others are about to commit may still come before what is newer. */
  readonly until?: number | undefined;
  readonly limit: number;
}

/** One page of a region's events, newest first unless they are those after an id. */
export async function eventPage(tx: ReadTx, region: string, filter: EventFilter): Promise<EventsRow[]> {
  let query = tx.everywhere.selectFrom('events').selectAll().where('region', '=', region);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.before !== undefined) query = query.where('event_id', '<', filter.before);
  if (filter.after !== undefined) query = query.where('event_id', '>', filter.after);
  if (filter.until !== undefined) query = query.where('at', '<=', filter.until);
  return query
    .orderBy('event_id', filter.after === undefined ? 'desc' : 'asc')
    .limit(filter.limit)
    .execute();
}
