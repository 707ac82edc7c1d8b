/** The SQL of the events. */
import type { EventsRow, ReadTx, VerdictHistoryRow } from '../store/index.ts';

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

/** Why, of an event that the history of verdicts tells of, too. */
export type EventCause = Pick<VerdictHistoryRow, 'cause' | 'confidence'>;

/** Both are written in one transaction, and their clocks are read one after the other (milliseconds). */
const apart = 60_000;

/** The causes of those events that have one, by their ids. */
export async function causesOf(
  tx: ReadTx,
  region: string,
  events: readonly EventsRow[],
): Promise<ReadonlyMap<string, EventCause>> {
  const changes = events.flatMap((event) => {
    const [, change] = /^node-(dropped|back|hidden|refused|recovered)$/.exec(event.kind) ?? [];
    return change === undefined ? [] : [{ event, change }];
  });
  if (changes.length === 0) return new Map();
  const times = changes.map(({ event }) => event.at);
  const history = await tx
    .in(region)
    .selectFrom('verdict_history')
    .selectAll()
    .where('subject', 'in', [...new Set(changes.map(({ event }) => event.subject))])
    .where('at', '>=', Math.min(...times) - apart)
    .where('at', '<=', Math.max(...times) + apart)
    .execute();
  const found = new Map<string, EventCause>();
  for (const { event, change } of changes) {
    const [row] = history
      .filter(
        (one) =>
          one.subject === event.subject && one.change === change && Math.abs(one.at - event.at) <= apart,
      )
      .sort((a, b) => Math.abs(a.at - event.at) - Math.abs(b.at - event.at));
    if (row) found.set(event.event_id, row);
  }
  return found;
}
