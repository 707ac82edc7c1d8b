/**
 * Looks now and then what has changed, and writes it down when it lasts: who dropped out and who is back, who is
 * hidden by now, who is refused and who got in again; each with its cause. What flaps is never told.
 */
import { sql } from 'kysely';
import { hiddenSql, onlineSql, type PresenceView } from '../presence/index.ts';
import type { Call } from '../service/index.ts';
import { deleteInSteps, type ReadTx, rowsOf, type StandingsRow, type WriteTx } from '../store/index.ts';
import { judgeMany } from './batch.ts';
import type { VerdictsDeps } from './deps.ts';
import { type FleetOf, lostAt } from './fleet.ts';
import { gather } from './gather.ts';
import { loadJudge } from './judge.ts';
import { ownWords, withOwnWord } from './own-word.ts';
import { readAsked } from './subject.ts';

/** The watch of one server. */
export interface Watch {
  look(): Promise<void>;
  sweep(): Promise<number>;
  close(): Promise<void>;
}

const lookPeriod = 15_000;
const day = 86_400_000;
/** What was so for longer than this when it is first seen is no news (milliseconds). */
const news = 3_600_000;
/** Whoever wasn't refused for so long doesn't try any more. */
const quiet = 15 * 60_000;
/** More than this at once are told as one event. */
const mostEvents = 50;
/** So many are judged one by one; more are judged together. */
const fewSubjects = 10;
const mostStandings = 50_000;
const mostRefused = 2_000;

type Kind = StandingsRow['kind'];

/** What isn't well now. */
interface Ill {
  readonly subject: string;
  readonly kind: Kind;
  /** Since when, as far as is known. */
  readonly since: number;
  /** Of who is refused: why. */
  readonly reason?: string;
  /** What was written down of it before. */
  readonly standing?:
    | Pick<StandingsRow, 'region' | 'subject' | 'kind' | 'noticed_at' | 'shown_at' | 'well_since'>
    | undefined;
}

/** A change that is told. */
interface Told {
  readonly subject: string;
  readonly change: 'dropped' | 'back' | 'hidden' | 'refused' | 'recovered';
  readonly since: number;
  readonly cause?: string | undefined;
  readonly confidence?: string | undefined;
}

/** Starts watching. Every server does: what one has written down, the others find written. */
export function openWatch(deps: VerdictsDeps, fleetOf: FleetOf): Watch {
  const { store, clock, presence } = deps;
  let running: Promise<void> | undefined;

  async function lookOnce(): Promise<void> {
    const view = presence.view();
    for (const region of deps.regions) await lookAt(region, view);
  }

  async function lookAt(region: string, view: PresenceView): Promise<void> {
    const { now } = view;
    const lasting = (deps.timeToVisible?.() ?? 60) * 1000;
    const { changing, well, books } = await store.read(async (tx) => {
      const refused = await refusedNow(tx, region, view);
      const known = await tx
        .in(region)
        .selectFrom('standings')
        .selectAll()
        .where('kind', '=', 'refused')
        .execute();
      const before = new Map(known.map((row) => [row.subject, row]));
      const claims = new Set(refused.map((ill) => ill.subject));
      const back = [
        ...(await wellAgain(tx, region, view)),
        ...known.filter((row) => !claims.has(row.subject)),
      ];
      return {
        changing: [
          ...(await lostNow(tx, region, view)),
          ...refused.map((ill) => ({ ...ill, standing: before.get(ill.subject) })),
        ],
        well: back,
        books: await inTheBooks(tx, region, view, back),
      };
    });
    const fresh = changing.filter(({ standing }) => standing === undefined);
    const ripe = changing.filter(
      ({ standing }) => standing?.shown_at === null && now - standing.noticed_at >= lasting,
    );
    const relapsed = changing.flatMap(({ standing }) =>
      standing && standing.well_since !== null ? [standing] : [],
    );
    if (fresh.length + ripe.length + relapsed.length + well.length === 0) return;
    const causes = await judged(region, view, ripe);
    const ownCauses = await saidOfOutage(region, well);
    const told: Told[] = ripe.map((ill) => ({
      subject: ill.subject,
      change: ill.kind === 'lost' ? 'dropped' : ill.kind,
      since: ill.since,
      ...causes.get(ill.subject),
      ...(ill.reason !== undefined && causes.get(ill.subject) === undefined && { cause: ill.reason }),
    }));
    await store.write(async (tx) => {
      const rows = tx.in(region);
      for (const chunk of chunks(fresh)) {
        await rows
          .insertInto('standings')
          .values(
            chunk.map((ill) => ({
              subject: ill.subject,
              kind: ill.kind,
              noticed_at: now,
              // Old news: known, and not told.
              shown_at: now - ill.since > news && ill.kind === 'lost' ? now : null,
              well_since: null,
              cause: null,
            })),
          )
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      const shown: Told[] = [];
      for (const one of told) {
        const kind: Kind = one.change === 'dropped' ? 'lost' : (one.change as Kind);
        const taken = await rows
          .updateTable('standings')
          .set({ shown_at: now, cause: one.cause ?? null })
          .where('subject', '=', one.subject)
          .where('kind', '=', kind)
          .where('shown_at', 'is', null)
          .executeTakeFirst();
        if (taken.numUpdatedRows > 0n) shown.push(one);
      }
      for (const row of relapsed) await setWell(tx, row, null);
      for (const row of well) {
        const mine = standingOf(tx, row);
        // What was never told, what isn't ours any more, and who only stopped trying: gone without a word.
        const lasted = row.well_since !== null && now - row.well_since >= lasting;
        const isBack = books.get(row.subject) === 'online';
        const silent = row.shown_at === null || !isBack || row.kind === 'hidden';
        if (!silent && row.well_since === null) await setWell(tx, row, now);
        if (!silent && !lasted) continue;
        const gone = await mine.executeTakeFirst();
        if (silent || gone.numDeletedRows === 0n) continue;
        const change = row.kind === 'lost' ? 'back' : 'recovered';
        const own = change === 'back' ? ownCauses.get(row.subject) : undefined;
        const cause = own?.cause ?? row.cause ?? undefined;
        const confidence = own?.confidence;
        shown.push({ subject: row.subject, change, since: row.well_since ?? now, cause, confidence });
      }
      await tell(tx, region, now, shown);
    });
  }

  async function tell(tx: WriteTx, region: string, now: number, shown: readonly Told[]): Promise<void> {
    for (const chunk of chunks(shown)) {
      await tx
        .in(region)
        .insertInto('verdict_history')
        .values(
          chunk.map(({ subject, change, cause, confidence }) => ({
            subject,
            at: now,
            change,
            cause: cause ?? null,
            confidence: confidence ?? null,
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    for (const [change, all] of Map.groupBy(shown, (one) => one.change)) {
      if (all.length > mostEvents) {
        const subject = deps.serverId;
        const detail = `${all.length} nodes at once; ${commonCause(all)} ListVerdictHistory names them.`;
        await deps.events.record(tx, { region, kind: `many-${change}`, subject, detail });
        continue;
      }
      for (const one of all) {
        await deps.events.record(tx, {
          region,
          kind: `node-${change}`,
          subject: one.subject,
          detail: inWords(one),
        });
      }
    }
  }

  /** The causes of those whose trouble is told now, by subject. */
  async function judged(
    region: string,
    view: PresenceView,
    ripe: readonly Ill[],
  ): Promise<ReadonlyMap<string, Pick<Told, 'cause' | 'confidence'>>> {
    const ids = [...new Set(ripe.flatMap((ill) => (/^m?i-/.test(ill.subject) ? [ill.subject] : [])))];
    const judgements = new Map<string, Pick<Told, 'cause' | 'confidence'>>();
    if (ids.length === 0) return judgements;
    const fleet = await fleetOf(region, view.now);
    const judge = await loadJudge();
    if (ids.length <= fewSubjects) {
      const call = ownCall(region);
      await store.read(async (tx) => {
        for (const id of ids) {
          const found = await gather(deps, tx, view, fleet, { call, asked: readAsked(id) });
          const { evidence } = await withOwnWord(tx, region, found);
          const { cause, confidence } = judge(evidence);
          judgements.set(id, { cause, confidence });
        }
      });
      return judgements;
    }
    const landscape = await deps.roster.landscape(region);
    const subjects = ids
      .flatMap((id) => landscape.nodes.get(id) ?? [])
      .map((node) => {
        const machine = landscape.machines.get(landscape.join.machineOf.get(node.node_id) ?? '');
        return { node, ...(machine && { machine }) };
      });
    const place = { region, account: deps.account, now: view.now, landscape, fleet };
    for (const { subject, verdict } of await judgeMany(deps, place, subjects)) {
      if (subject.node)
        judgements.set(subject.node.node_id, { cause: verdict.cause, confidence: verdict.confidence });
    }
    return judgements;
  }

  /** What nodes that are there again saw while they weren't, and told since: by nothing but that. */
  async function saidOfOutage(
    region: string,
    well: readonly StandingsRow[],
  ): Promise<ReadonlyMap<string, Pick<Told, 'cause' | 'confidence'>>> {
    const back = well.filter(
      (row) => row.kind === 'lost' && row.shown_at !== null && row.well_since !== null,
    );
    const found = new Map<string, Pick<Told, 'cause' | 'confidence'>>();
    if (back.length === 0 || back.length > mostEvents) return found;
    const ids = back.map((row) => row.subject);
    const words = await store.read((tx) => ownWords(tx, region, ids));
    const judge = await loadJudge();
    for (const { subject, noticed_at, well_since } of back) {
      const word = words.get(subject);
      if (!word || word.nodeSeenAt < noticed_at || word.nodeSeenAt > (well_since ?? 0)) continue;
      const { cause, confidence } = judge({ now: word.node.at, node: word.node });
      if (cause !== undefined) found.set(subject, { cause, confidence });
    }
    return found;
  }

  /** The evidence is gathered for nobody: what rights somebody has is no part of it. */
  function ownCall(region: string): Call {
    return {
      id: '',
      at: clock.now(),
      region,
      account: deps.account,
      principal: { kind: 'anonymous' },
      source: { address: '', port: 0, userAgent: '' },
      operation: '',
      headers: {},
    };
  }

  /** Whoever asks is told of what is so now: a look that is under way began before. */
  function look(): Promise<void> {
    const mine: Promise<void> = (running ?? Promise.resolve())
      .catch(() => undefined)
      .then(lookOnce)
      .finally(() => {
        if (running === mine) running = undefined;
      });
    running = mine;
    return mine;
  }
  const timer = clock.every(lookPeriod, () => {
    if (!running) void look().catch((error) => deps.onError?.(error));
  });
  return {
    look,
    sweep() {
      const before = clock.now() - (deps.retentionDays?.() ?? 90) * day;
      return deleteInSteps(store, 'verdict_history', (row) => row('at', '<', before));
    },
    async close() {
      timer.cancel();
      await running?.catch(() => undefined);
    },
  };
}

/**
 * Nodes that are lost or hidden, as far as there is something to do about it: what is told already is left where it
 * is. Those that were never heard have dropped out of nothing.
 */
async function lostNow(tx: ReadTx, region: string, view: PresenceView): Promise<Ill[]> {
  const find = async (kind: 'lost' | 'hidden'): Promise<Ill[]> => {
    const isSo = kind === 'hidden' ? hiddenSql(view) : sql`NOT ${onlineSql(view)}`;
    const { rows } = await sql<{
      node_id: string;
      last_ping: number;
      closed_at: number | null;
      closed_by: string | null;
      noticed_at: number | null;
      shown_at: number | null;
      well_since: number | null;
    }>`SELECT nodes.node_id, presence.last_ping, presence.closed_at, presence.closed_by, standings.noticed_at,
        standings.shown_at, standings.well_since
      FROM presence JOIN nodes ON nodes.region = presence.region AND nodes.node_id = presence.node_id
      LEFT JOIN standings ON standings.region = presence.region AND standings.subject = presence.node_id
        AND standings.kind = ${kind}
      WHERE presence.region = ${region} AND nodes.deregistered_at IS NULL AND presence.last_ping IS NOT NULL
        AND (standings.noticed_at IS NULL OR standings.shown_at IS NULL OR standings.well_since IS NOT NULL)
        AND ${isSo}
      LIMIT ${sql.lit(mostStandings)}`.execute(tx.everywhere);
    return rows.map(({ node_id: subject, noticed_at, shown_at, well_since, ...row }) => ({
      subject,
      kind,
      since: lostAt(row),
      standing: noticed_at === null ? undefined : { region, subject, kind, noticed_at, shown_at, well_since },
    }));
  };
  return [...(await find('lost')), ...(await find('hidden'))];
}

/** What was written down of nodes that are there again, or aren't ours any more. */
async function wellAgain(tx: ReadTx, region: string, view: PresenceView): Promise<StandingsRow[]> {
  const { rows } = await sql<StandingsRow>`SELECT standings.* FROM standings
    LEFT JOIN nodes ON nodes.region = standings.region AND nodes.node_id = standings.subject
      AND nodes.deregistered_at IS NULL
    LEFT JOIN presence ON presence.region = nodes.region AND presence.node_id = nodes.node_id
    WHERE standings.region = ${region} AND standings.kind IN ('lost', 'hidden')
      AND (nodes.node_id IS NULL OR ${onlineSql(view)})
    LIMIT ${sql.lit(mostStandings)}`.execute(tx.everywhere);
  return rows;
}

/**
 * Nodes and activations that were refused lately and didn't get in since. A node that is there isn't refused: whoever
 * claims to be it, is somebody else.
 */
async function refusedNow(tx: ReadTx, region: string, view: PresenceView): Promise<Ill[]> {
  // In two steps: an engine that knows nothing yet of a table begins a join at its wrong end.
  const { rows: knocks } = await sql<{ claim: string; reason: string; first_at: number; last_at: number }>`
    SELECT claim, reason, first_at, last_at FROM knocks
    WHERE room = 'known' AND last_at > ${view.now - quiet}
    ORDER BY last_at DESC LIMIT ${sql.lit(mostRefused)}`.execute(tx.everywhere);
  const newest = new Map<string, (typeof knocks)[number]>();
  for (const knock of knocks) if (!newest.has(knock.claim)) newest.set(knock.claim, knock);
  if (newest.size === 0) return [];
  const asked = [...newest.values()].map(({ claim, last_at }) => ({ claim, last_at }));
  const items = rowsOf(tx, 'asked', asked, { claim: 'text', last_at: 'bigint' });
  const nodes = await sql<{
    claim: string;
  }>`SELECT asked.claim FROM ${items} CROSS JOIN nodes CROSS JOIN presence
    WHERE nodes.node_id = asked.claim AND nodes.region = ${region} AND nodes.deregistered_at IS NULL
      AND presence.region = nodes.region AND presence.node_id = nodes.node_id
      AND asked.last_at > COALESCE(presence.last_ping, 0) AND NOT ${onlineSql(view)}`.execute(tx.everywhere);
  const activations = await sql<{ claim: string }>`SELECT asked.claim FROM ${items} CROSS JOIN activations
    WHERE activations.activation_id = asked.claim AND activations.region = ${region}`.execute(tx.everywhere);
  return [...nodes.rows, ...activations.rows].flatMap(({ claim }) => {
    const knock = newest.get(claim);
    return knock
      ? [{ subject: claim, kind: 'refused' as const, since: knock.first_at, reason: knock.reason }]
      : [];
  });
}

/** Which of the subjects are registered nodes, and whether they are there. */
async function inTheBooks(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  standings: readonly StandingsRow[],
): Promise<ReadonlyMap<string, 'online' | 'lost'>> {
  const found = new Map<string, 'online' | 'lost'>();
  for (const chunk of chunks([...new Set(standings.map((row) => row.subject))])) {
    const { rows } = await sql<{ node_id: string; online: number }>`SELECT nodes.node_id,
        CASE WHEN ${onlineSql(view)} THEN 1 ELSE 0 END AS online
      FROM nodes JOIN presence ON presence.region = nodes.region AND presence.node_id = nodes.node_id
      WHERE nodes.region = ${region} AND nodes.deregistered_at IS NULL
        AND nodes.node_id IN (${sql.join([...chunk])})`.execute(tx.everywhere);
    for (const row of rows) found.set(row.node_id, Number(row.online) === 1 ? 'online' : 'lost');
  }
  return found;
}

type Written = Pick<StandingsRow, 'region' | 'subject' | 'kind'>;

async function setWell(tx: WriteTx, row: Written, at: number | null): Promise<void> {
  await tx
    .in(row.region)
    .updateTable('standings')
    .set({ well_since: at })
    .where('subject', '=', row.subject)
    .where('kind', '=', row.kind)
    .execute();
}

function standingOf(tx: WriteTx, row: Written) {
  return tx
    .in(row.region)
    .deleteFrom('standings')
    .where('subject', '=', row.subject)
    .where('kind', '=', row.kind);
}

function inWords({ change, since, cause, confidence }: Told): string {
  const at = new Date(since).toISOString();
  const why =
    cause === undefined
      ? 'The cause is not known.'
      : `Cause: ${cause}${confidence === undefined || confidence === 'proven' ? '' : ` (${confidence})`}.`;
  switch (change) {
    case 'dropped':
      return `It was last there at ${at}. ${why}`;
    case 'hidden':
      return `It was lost for so long that the list leaves it out by now; last there at ${at}. ${why}`;
    case 'refused':
      return `Refused since ${at}, as whoever comes under this id claims. ${why}`;
    case 'back':
      return `It is there again since ${at}.${cause === undefined ? '' : ` It was lost for: ${cause}.`}`;
    case 'recovered':
      return `It is refused no more since ${at}.${cause === undefined ? '' : ` It was refused for: ${cause}.`}`;
  }
}

function commonCause(all: readonly Told[]): string {
  const counts = [...Map.groupBy(all, (one) => one.cause ?? '')].sort((a, b) => b[1].length - a[1].length);
  const [cause, ones] = counts[0] ?? ['', []];
  return cause === '' ? 'the cause is not known.' : `${ones.length} of them: ${cause}.`;
}

const perStatement = 400;

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += perStatement) yield items.slice(from, from + perStatement);
}
