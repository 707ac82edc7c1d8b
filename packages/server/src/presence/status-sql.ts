/**
 * The status of a node as SQL, for filters in lists. Says exactly what `status.ts` says: blind time makes
 * the age of a ping a sum over stretches, so it is turned around into one moment per period, before which
 * a ping is too old. The statement then costs the same however often servers restarted.
 */
import { type RawBuilder, sql } from 'kysely';
import { listenedSince } from './blindness.ts';
import {
  defaultPeriod,
  earlyLossAfter,
  hiddenAfter,
  listeningSince,
  longestPeriod,
  type PingStatus,
  type PresenceView,
} from './status.ts';

/** The status as an expression over the tables `presence` and `nodes`: `'Online'` or `'ConnectionLost'`. */
export function statusSql(view: PresenceView): RawBuilder<PingStatus> {
  return sql<PingStatus>`CASE WHEN ${onlineSql(view)} THEN 'Online' ELSE 'ConnectionLost' END`;
}

/** True for nodes that are online. */
export function onlineSql(view: PresenceView): RawBuilder<boolean> {
  return sql<boolean>`(${inTimeSql(view)} AND NOT ${lostEarlySql(view)})`;
}

/** True for nodes that were lost for so long that default lists leave them out. */
export function hiddenSql(view: PresenceView): RawBuilder<boolean> {
  const heard = sql`COALESCE(presence.last_ping, nodes.registered_at)`;
  return sql<boolean>`(NOT ${onlineSql(view)} AND ${heard} <= ${cutoff(view, 2, hiddenAfter)})`;
}

/** True for nodes whose control channel is open on a server that lives. */
export function connectedSql(view: PresenceView): RawBuilder<boolean> {
  if (view.liveServers.length === 0) return sql<boolean>`(1 = 0)`;
  return sql<boolean>`(presence.opened_at IS NOT NULL AND presence.closed_at IS NULL
    AND COALESCE(presence.channel_server, '') IN (${sql.join([...view.liveServers])}))`;
}

function inTimeSql(view: PresenceView): RawBuilder<boolean> {
  return sql<boolean>`(presence.last_ping IS NOT NULL AND (presence.last_ping > ${cutoff(view, 2)}
    OR (presence.last_ping < ${moment(view.lastStart)} AND presence.last_ping > ${cutoff(view, 3)})))`;
}

function lostEarlySql(view: PresenceView): RawBuilder<boolean> {
  if (!view.earlyLoss) return sql<boolean>`(1 = 0)`;
  const { now, massLosses } = view;
  const many = massLosses.map(
    ({ from, to }) => sql`(presence.closed_at BETWEEN ${moment(from)} AND ${moment(to)})`,
  );
  const oneOfMany = many.length > 0 ? sql`(${sql.join(many, sql` OR `)})` : sql`(1 = 0)`;
  // Each part is true or false for every row, never NULL: NOT NULL would be NULL, and drop the row.
  return sql<boolean>`(presence.closed_at IS NOT NULL AND COALESCE(presence.closed_by, '') IN ('node', 'silence')
    AND COALESCE(presence.last_ping, 0) <= presence.closed_at
    AND presence.closed_at <= ${moment(now - earlyLossAfter)}
    AND presence.closed_at >= ${moment(listeningSince(view))}
    AND NOT (${oneOfMany} AND presence.closed_at > ${moment(now)} - presence.period * 1000))`;
}

/** A parameter, not a literal: the text of the statement stays the same, and PostgreSQL knows its type. */
function moment(at: number): RawBuilder<number> {
  return sql<number>`CAST(${at} AS BIGINT)`;
}

/** The newest moment that is `times` periods (and `more`) of listened time ago, by the row's period. */
function cutoff(view: PresenceView, times: number, more = 0): RawBuilder<number> {
  if (view.blind.length === 0) {
    return sql<number>`(${moment(view.now - more)} - presence.period * ${sql.lit(times * 1000)})`;
  }
  const whens = [];
  for (let period = defaultPeriod; period <= longestPeriod; period += 60) {
    const at = listenedSince(view.blind, view.now, times * period * 1000 + more);
    whens.push(sql`WHEN ${sql.lit(period)} THEN ${moment(at)}`);
  }
  return sql<number>`(CASE presence.period ${sql.join(whens, sql` `)} END)`;
}
