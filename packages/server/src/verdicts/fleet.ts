/**
 * How the rest of the fleet is: asked before any node is blamed. Worked out a few seconds at most before it is
 * used, since every question of a region needs the same.
 */
import type { FleetEvidence } from '@rollcall/diagnosis';
import { type RawBuilder, sql } from 'kysely';
import { onlineSql, type PresenceView } from '../presence/index.ts';
import { type ReadTx, rowsOf } from '../store/index.ts';
import type { VerdictsDeps } from './deps.ts';
import { minimumVersions } from './minimum-versions.ts';

/** A node that was lost: when, and from where it used to come. */
interface LostNode {
  readonly nodeId: string;
  readonly at: number;
  readonly peer: string | null;
}

/** How far somebody's clock is ahead. */
interface Skew {
  readonly nodeId: string;
  readonly ms: number;
}

/** What is the same for all questions about a region, for a few seconds. */
export interface Fleet {
  readonly evidence: FleetEvidence;
  /** In the order in which they were lost. */
  readonly lost: readonly LostNode[];
  /** The same, by where they used to come from. */
  readonly lostByPeer: ReadonlyMap<string, readonly LostNode[]>;
  /** Of nodes heard lately, and of those that are refused for it; the slowest clock first. */
  readonly skews: readonly Skew[];
  /** Nodes whose handshakes were refused lately, by where they come from. */
  readonly refusedTls: readonly { readonly nodeId: string; readonly at: number }[];
  /** Claims refused lately, by reason. */
  readonly refused: ReadonlyMap<
    string,
    { readonly nodes: number; readonly since: number; readonly examples: readonly string[] }
  >;
}

/** Finds how the fleet of a region is, as it was read at `since` or later (server's clock); else a while ago. */
export type FleetOf = (region: string, since?: number) => Promise<Fleet>;

const hour = 3_600_000;
/** Nodes lost as near to each other as this were lost together. */
const together = 60_000;
/** Two clocks that differ by less are wrong in the same way. */
const sameSkew = 30_000;
/** What is looked at one by one of many; the counts are of all. */
const mostLost = 20_000;

/** Works it out. */
export async function readFleet(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  deps: Pick<VerdictsDeps, 'own'>,
): Promise<Fleet> {
  const registered = sql`nodes.region = ${region} AND nodes.deregistered_at IS NULL`;
  const counted = await sql<{ nodes: number | string; online: number | string | null }>`
    SELECT count(*) AS nodes, sum(CASE WHEN ${onlineSql(view)} THEN 1 ELSE 0 END) AS online FROM presence
    JOIN nodes ON nodes.region = presence.region AND nodes.node_id = presence.node_id
    WHERE ${registered}`.execute(tx.everywhere);
  const lost = await lostNodes(tx, registered, view);
  const skews = (await clocks(tx, region, registered, view.now)).sort((a, b) => a.ms - b.ms);
  const middle = skews[skews.length >> 1]?.ms;
  return {
    lost,
    lostByPeer: Map.groupBy(
      lost.filter((one) => one.peer !== null),
      (one) => one.peer!,
    ),
    skews,
    refusedTls: await refusedHandshakes(tx, registered, view.now),
    refused: await refusals(tx, view.now),
    evidence: {
      ...deps.own(),
      nodes: Number(counted.rows[0]?.nodes ?? 0),
      online: Number(counted.rows[0]?.online ?? 0),
      serverStartedAt: view.lastStart,
      serverBlind: view.blind.map(({ from, to }) => ({ from, to })),
      minimumVersions,
      ...(middle !== undefined && {
        medianSkewMs: middle,
        skewSamples: agreeing(skews, middle),
      }),
    },
  };
}

async function lostNodes(
  tx: ReadTx,
  registered: RawBuilder<unknown>,
  view: PresenceView,
): Promise<LostNode[]> {
  const { rows } = await sql<{
    node_id: string;
    peer: string | null;
    last_ping: number;
    closed_at: number | null;
    closed_by: string | null;
  }>`SELECT nodes.node_id, nodes.peer, presence.last_ping, presence.closed_at, presence.closed_by FROM presence
    JOIN nodes ON nodes.region = presence.region AND nodes.node_id = presence.node_id
    WHERE ${registered} AND presence.last_ping IS NOT NULL AND NOT ${onlineSql(view)}
    ORDER BY presence.last_ping DESC LIMIT ${sql.lit(mostLost)}`.execute(tx.everywhere);
  return rows
    .map((row) => ({ nodeId: row.node_id, peer: row.peer, at: lostAt(row) }))
    .sort((a, b) => a.at - b.at);
}

/** When a node was last there: the end of its channel where that came last, else its last heartbeat. */
export function lostAt(row: {
  readonly last_ping: number | null;
  readonly closed_at: number | null;
  readonly closed_by: string | null;
}): number {
  const closed = row.closed_by === 'server' ? null : row.closed_at;
  return Math.max(row.last_ping ?? 0, closed ?? 0);
}

/** Skews of heartbeats, and of requests that were refused for their skew: when it is ours, those are all there is. */
async function clocks(
  tx: ReadTx,
  region: string,
  registered: RawBuilder<unknown>,
  now: number,
): Promise<Skew[]> {
  const heard = await sql<{ node_id: string; skew_ms: number }>`SELECT presence.node_id, presence.skew_ms
    FROM presence JOIN nodes ON nodes.region = presence.region AND nodes.node_id = presence.node_id
    WHERE ${registered} AND presence.skew_ms IS NOT NULL AND presence.last_ping > ${now - hour}`.execute(
    tx.everywhere,
  );
  const skews = new Map(heard.rows.map((row) => [row.node_id, row.skew_ms]));
  // In two steps: an engine that knows nothing yet of a table begins a join at its wrong end.
  const { rows: knocks } = await sql<{ claim: string; detail: string; last_at: number }>`
    SELECT claim, detail, last_at FROM knocks WHERE room = 'known' AND last_at > ${now - hour}
      AND reason IN ('signature-expired', 'signature-not-yet-current') AND detail IS NOT NULL
    ORDER BY last_at DESC LIMIT ${sql.lit(mostLost)}`.execute(tx.everywhere);
  const seconds = new Map<string, number>();
  const asked: { claim: string; last_at: number }[] = [];
  for (const { claim, detail, last_at } of knocks) {
    const skew = /^skew=([+-]?\d+)s$/.exec(detail)?.[1];
    if (skew === undefined || seconds.has(claim)) continue;
    seconds.set(claim, Number(skew));
    asked.push({ claim, last_at });
  }
  if (asked.length > 0) {
    const refused = await sql<{ claim: string }>`SELECT asked.claim
      FROM ${rowsOf(tx, 'asked', asked, { claim: 'text', last_at: 'bigint' })} CROSS JOIN nodes CROSS JOIN presence
      WHERE nodes.node_id = asked.claim AND nodes.region = ${region}
        AND presence.region = nodes.region AND presence.node_id = nodes.node_id
        AND asked.last_at > COALESCE(presence.last_ping, 0)`.execute(tx.everywhere);
    for (const { claim } of refused.rows) skews.set(claim, (seconds.get(claim) ?? 0) * 1000);
  }
  return [...skews].map(([nodeId, ms]) => ({ nodeId, ms }));
}

/** Handshakes that clients broke off on seeing our certificate name nobody: only where they come from says whose. */
async function refusedHandshakes(
  tx: ReadTx,
  registered: RawBuilder<unknown>,
  now: number,
): Promise<{ nodeId: string; at: number }[]> {
  const from = await sql<{
    address: string;
    at: number | string;
  }>`SELECT address, max(last_at) AS at FROM knocks
    WHERE room = 'stranger' AND last_at > ${now - hour}
      AND reason IN ('client-rejected-certificate', 'reset-after-certificate')
    GROUP BY address LIMIT ${sql.lit(mostLost)}`.execute(tx.everywhere);
  if (from.rows.length === 0) return [];
  const asked = from.rows.map(({ address, at }) => ({ address, at: Number(at) }));
  const { rows } = await sql<{ node_id: string; at: number | string }>`SELECT nodes.node_id, asked.at
    FROM ${rowsOf(tx, 'asked', asked, { address: 'text', at: 'bigint' })} CROSS JOIN nodes CROSS JOIN presence
    WHERE nodes.peer = asked.address AND ${registered}
      AND presence.region = nodes.region AND presence.node_id = nodes.node_id
      AND asked.at > COALESCE(presence.last_ping, 0)
    LIMIT ${sql.lit(mostLost)}`.execute(tx.everywhere);
  return rows.map((row) => ({ nodeId: row.node_id, at: Number(row.at) })).sort((a, b) => a.at - b.at);
}

async function refusals(tx: ReadTx, now: number): Promise<Fleet['refused']> {
  const { rows } = await sql<{
    reason: string;
    claims: number | string;
    since: number | string;
    one: string;
    two: string;
  }>`
    SELECT reason, count(DISTINCT claim) AS claims, min(first_at) AS since, min(claim) AS one, max(claim) AS two
    FROM (SELECT reason, claim, first_at FROM knocks WHERE room = 'known' AND last_at > ${now - hour}
      ORDER BY last_at DESC LIMIT ${sql.lit(mostLost)}) AS lately GROUP BY reason`.execute(tx.everywhere);
  return new Map(
    rows.map((row) => [
      row.reason,
      { nodes: Number(row.claims), since: Number(row.since), examples: [...new Set([row.one, row.two])] },
    ]),
  );
}

/** How many clocks say the same as the one in the middle. */
function agreeing(skews: readonly Skew[], middle: number): number {
  const { first, last } = stretch(skews, (one) => one.ms, middle - sameSkew, middle + sameSkew);
  return last - first;
}

/** What is asked of the fleet about one subject. */
export interface Sign {
  readonly nodeId?: string | undefined;
  /** Of a node that is lost. */
  readonly lostAt?: number | undefined;
  readonly peer?: string | null | undefined;
  readonly skewMs?: number | undefined;
  /** Reasons for which it was refused lately. */
  readonly reasons: readonly string[];
  /** How many nodes come from its address. */
  readonly behindPeer?: number | undefined;
}

type Shared = NonNullable<FleetEvidence['shared']>[number];

/** The fleet, with what others share of the subject's trouble. */
export function fleetFor(fleet: Fleet, sign: Sign): FleetEvidence {
  const all = fleet.evidence.nodes;
  const shared: Shared[] = [];
  const add = (name: string, { nodes, first, last }: Stretch, of: number, since?: number) => {
    const count = last - first;
    if (count < 2) return;
    shared.push({
      sign: name,
      nodes: count,
      of: Math.max(of, count),
      ...(since !== undefined && { since }),
      examples: nodes
        .slice(first, Math.min(last, first + 6))
        .flatMap((one) => (one.nodeId === sign.nodeId ? [] : one.nodeId))
        .slice(0, 5),
    });
  };
  if (sign.lostAt !== undefined) {
    const [from, to] = [sign.lostAt - together, sign.lostAt + together];
    const near = stretch(fleet.lost, (one) => one.at, from, to);
    add('lost', near, all, fleet.lost[near.first]?.at);
    if (sign.peer) {
      const neighbours = fleet.lostByPeer.get(sign.peer) ?? [];
      const same = stretch(neighbours, (one) => one.at, from, to);
      add(`lost:${sign.peer}`, same, sign.behindPeer ?? 0, neighbours[same.first]?.at);
    }
  }
  if (sign.skewMs !== undefined && Math.abs(sign.skewMs) > sameSkew) {
    const same = stretch(fleet.skews, (one) => one.ms, sign.skewMs - sameSkew, sign.skewMs + sameSkew);
    add('skew', same, fleet.skews.length);
  }
  if (sign.reasons.some((reason) => tlsReasons.has(reason))) {
    const refused = fleet.refusedTls;
    add('tls', { nodes: refused, first: 0, last: refused.length }, all, refused[0]?.at);
  }
  for (const reason of new Set(sign.reasons)) {
    const others = fleet.refused.get(reason);
    if (!others || others.nodes < 2) continue;
    const { nodes, since, examples } = others;
    shared.push({ sign: reason, nodes, of: Math.max(all, nodes), since, examples });
  }
  return shared.length > 0 ? { ...fleet.evidence, shared } : fleet.evidence;
}

const tlsReasons = new Set(['client-rejected-certificate', 'reset-after-certificate']);

/** A part of a sorted list, not copied: there is one for each of ten thousand lost nodes, and each is as long. */
interface Stretch {
  readonly nodes: readonly { readonly nodeId: string }[];
  readonly first: number;
  /** Behind the last one. */
  readonly last: number;
}

/** Those that lie between two values, both included. */
function stretch<T extends { readonly nodeId: string }>(
  sorted: readonly T[],
  keyOf: (item: T) => number,
  from: number,
  to: number,
): Stretch {
  const first = firstAtLeast(sorted, keyOf, from);
  return { nodes: sorted, first, last: Math.max(first, firstAtLeast(sorted, keyOf, to + 1)) };
}

function firstAtLeast<T>(sorted: readonly T[], keyOf: (item: T) => number, least: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (keyOf(sorted[middle]!) < least) from = middle + 1;
    else to = middle;
  }
  return from;
}
