/** The evidence of one subject: what stands in the books, who came to the door, and how the others are. */
import type {
  DoorEvidence,
  Evidence,
  NodeEvidence,
  RecordsEvidence,
  RequestEvidence,
} from '@rollcall/diagnosis';
import { sql } from 'kysely';
import { documentArn } from '../documents/index.ts';
import { nodeArn } from '../nodes/index.ts';
import type { PresenceView } from '../presence/index.ts';
import type { Landscape, NodeFacts } from '../roster/index.ts';
import type { Call } from '../service/index.ts';
import type { ActivationsRow, ReadTx } from '../store/index.ts';
import { bulkAround } from './bulk.ts';
import type { VerdictsDeps } from './deps.ts';
import { doorOf, leasesOf } from './door-evidence.ts';
import { type Fleet, fleetFor, lostAt } from './fleet.ts';
import { landscapeRecords, type StoredSighting } from './records.ts';
import { type Asked, type Subject, subjectsOf } from './subject.ts';

/** What is asked, and what is known before looking. */
export interface Question {
  readonly call: Call;
  readonly asked: Asked;
  readonly document?: string | undefined;
  readonly node?: NodeEvidence | undefined;
}

/** What was found. */
export interface Gathered {
  readonly evidence: Evidence;
  /** All that the question can stand for. */
  readonly subjects: readonly Subject[];
}

const mostCandidates = 50;

/** Gathers what is known of whatever the question is about, in one reading. */
export async function gather(
  deps: VerdictsDeps,
  tx: ReadTx,
  view: PresenceView,
  fleet: Fleet,
  question: Question,
): Promise<Gathered> {
  const { call, asked } = question;
  const { region } = call;
  // Whoever comes from an address: many may, behind one.
  const behind = asked.address === undefined ? [] : await nodesBehind(tx, region, asked.address);
  const landscape = await deps.roster.around(tx, region, view, seed(question, behind));
  const subjects = chosenBy(question.node, landscape, subjectsOf(landscape, asked));
  const [only, ...others] = subjects;
  const ambiguous = others.length > 0;
  const subject: Subject = ambiguous || !only ? {} : only;
  const request = await requestOf(deps, tx, question, subjects);
  const sightings = subject.node ? await sightingsOf(tx, subject.node) : [];
  const leases = leasesOf(landscape, subject, asked, sightings, view.now);
  const door = ambiguous ? undefined : await doorOf(deps, tx, region, view, subject, asked, leases);
  const own = landscapeRecords(landscape, subject, sightings);
  const polling = subject.node !== undefined && deps.isPolling(subject.node.node_id);
  const records: RecordsEvidence = {
    ...own,
    ...(own.node && polling && { node: { ...own.node, polling } }),
    ...(await elsewhere(deps, tx, question)),
    ...(ambiguous ? {} : await moreRecords(deps, tx, region, landscape, subject, door)),
  };
  const { node } = subject;
  const isLost = node !== undefined && node.deregistered_at === null && node.presence.status !== 'Online';
  const skewKnock = door?.knocks.find((one) => /^signature-(expired|not-yet-current)$/.test(one.reason));
  const skew = /^skew=([+-]?\d+)s$/.exec(skewKnock?.detail ?? '')?.[1];
  return {
    subjects,
    evidence: {
      now: view.now,
      request,
      records,
      ...(door && { door }),
      ...(question.node && { node: question.node }),
      fleet: fleetFor(fleet, {
        nodeId: node?.node_id,
        lostAt: isLost && node.last_ping !== null ? lostAt(node) : undefined,
        peer: node?.peer,
        behindPeer: node?.peer ? await countBehind(tx, region, node.peer) : undefined,
        skewMs: skew === undefined ? (node?.skew_ms ?? undefined) : Number(skew) * 1000,
        reasons: (door?.knocks ?? [])
          .filter((one) => one.lastAt > view.now - 3_600_000)
          .map((one) => one.reason),
      }),
    },
  };
}

/** By what it is looked up: what was typed, and what the node's own evidence says of itself. */
function seed({ asked, node }: Question, behind: readonly string[]) {
  const { nodeId, address, name, machine } = asked;
  const own = node?.agents.flatMap((agent) => agent.identity?.nodeId ?? []) ?? [];
  const names = [nodeId, address, name].flatMap((one) => (one === undefined ? [] : one));
  const short = name?.includes('.') && !name.includes('/') ? [name.split('.')[0]!] : [];
  return {
    nodeIds: [...(nodeId === undefined ? [] : [nodeId]), ...own, ...behind],
    names: [...names, ...short, ...(node ? [node.host.name.toLowerCase()] : [])],
    addresses: address === undefined ? [] : [address],
    machines: machine === undefined ? [] : [machine],
  };
}

/** The evidence of a machine says which of several it is about, and which node it is where the books don't. */
function chosenBy(
  evidence: NodeEvidence | undefined,
  landscape: Landscape,
  found: readonly Subject[],
): readonly Subject[] {
  if (!evidence) return found;
  const ids = new Set(evidence.agents.flatMap((agent) => agent.identity?.nodeId ?? []));
  const its = found.filter((one) => one.node !== undefined && ids.has(one.node.node_id));
  if (its.length === 1) return its;
  const [only, ...others] = found;
  if (others.length > 0 || only?.node) return found;
  const [node, ...more] = [...ids].flatMap((id) => landscape.nodes.get(id) ?? []);
  return node && more.length === 0 ? [{ ...only, node }] : found;
}

async function nodesBehind(tx: ReadTx, region: string, peer: string): Promise<string[]> {
  const rows = await tx
    .in(region)
    .selectFrom('nodes')
    .select('node_id')
    .where('peer', '=', peer)
    .where('deregistered_at', 'is', null)
    .limit(mostCandidates)
    .execute();
  return rows.map((row) => row.node_id);
}

async function countBehind(tx: ReadTx, region: string, peer: string): Promise<number> {
  const { rows } = await sql<{ nodes: number | string }>`SELECT count(*) AS nodes FROM nodes
    WHERE nodes.region = ${region} AND nodes.peer = ${peer} AND nodes.deregistered_at IS NULL`.execute(
    tx.everywhere,
  );
  return Number(rows[0]?.nodes ?? 0);
}

async function requestOf(
  deps: VerdictsDeps,
  tx: ReadTx,
  { call, asked, document }: Question,
  subjects: readonly Subject[],
): Promise<RequestEvidence> {
  const { region, account } = call;
  const found = document === undefined ? undefined : await deps.documents.find(tx, region, document);
  return {
    asked: asked.text,
    region,
    servedRegions: deps.regions,
    account,
    ...(found && { document: { name: found.name, platforms: found.platformTypes } }),
    ...(subjects.length > 1 && {
      candidates: subjects.slice(0, mostCandidates).map(({ node, machine }) => {
        const name = machine?.row.name ?? node?.name ?? node?.computer_name;
        return { id: node?.node_id ?? machine?.id ?? '', region, ...(name ? { name } : {}) };
      }),
    }),
  };
}

/** Adds what the asker may: policies are asked outside of the reading, since they may read tags themselves. */
export async function withRights(
  deps: VerdictsDeps,
  { call }: Question,
  { evidence, subjects }: Gathered,
): Promise<Evidence> {
  const { request } = evidence;
  if (!request) return evidence;
  const may = async (action: string, resources: readonly string[]) =>
    (await deps.decide(call, action, resources)).allowed;
  const mayList = await may('ssm:DescribeInstanceInformation', ['*']);
  if (!mayList) {
    // Whoever may not see the list doesn't learn here what stands in it.
    const { candidates: _, ...asked } = request;
    return { now: evidence.now, request: { ...asked, mayList } };
  }
  const nodeId = subjects.length === 1 ? subjects[0]?.node?.node_id : undefined;
  const mayUse =
    request.document &&
    (await may('ssm:SendCommand', [
      documentArn(call.region, call.account, request.document.name),
      ...(nodeId === undefined ? [] : [nodeArn(call.region, call.account, nodeId)]),
    ]));
  return {
    ...evidence,
    request: {
      ...request,
      mayList,
      ...(request.document && { document: { ...request.document, ...(mayUse !== undefined && { mayUse }) } }),
    },
  };
}

async function sightingsOf(tx: ReadTx, node: NodeFacts): Promise<readonly StoredSighting[]> {
  const row = await tx
    .in(node.region)
    .selectFrom('nodes')
    .select('sightings')
    .where('node_id', '=', node.node_id)
    .executeTakeFirst();
  return JSON.parse(row?.sightings ?? '[]');
}

/** The same id or name where the asker didn't look. */
async function elsewhere(
  deps: VerdictsDeps,
  tx: ReadTx,
  { call, asked }: Question,
): Promise<Pick<RecordsEvidence, 'elsewhere'>> {
  const others = deps.regions.filter((region) => region !== call.region);
  if (others.length === 0) return {};
  const { nodeId, name, address } = asked;
  if (nodeId === undefined && name === undefined && address === undefined) return {};
  const view = deps.presence.view();
  const found: NonNullable<RecordsEvidence['elsewhere']>[number][] = [];
  for (const region of others) {
    const named = sql`SELECT nodes.node_id FROM nodes WHERE nodes.region = ${region}`;
    const ids =
      nodeId !== undefined
        ? sql`${nodeId}`
        : address !== undefined
          ? sql`${named} AND nodes.ip_address = ${address}`
          : sql`${named} AND nodes.name IS NOT NULL AND lower(nodes.name) = ${name}
            UNION ${named} AND nodes.computer_name IS NOT NULL AND lower(nodes.computer_name) = ${name}`;
    const { rows } =
      await sql<NodeFacts>`SELECT nodes.*, presence.last_ping, presence.period, presence.channel_server,
      presence.opened_at, presence.closed_at, presence.closed_by FROM nodes CROSS JOIN presence
      WHERE nodes.region = ${region} AND nodes.deregistered_at IS NULL AND nodes.node_id IN (${ids})
        AND presence.region = nodes.region AND presence.node_id = nodes.node_id LIMIT 5`.execute(
        tx.everywhere,
      );
    for (const row of rows) {
      const { status } = deps.presence.statusOf(row, view);
      // An address is a lease: of who isn't there any more it says nothing.
      if (address !== undefined && status !== 'Online') continue;
      found.push({ nodeId: row.node_id, region, status, ...(address !== undefined && { by: 'address' }) });
    }
  }
  return found.length > 0 ? { elsewhere: found } : {};
}

async function moreRecords(
  deps: VerdictsDeps,
  tx: ReadTx,
  region: string,
  landscape: Landscape,
  { node, machine }: Subject,
  door: DoorEvidence | undefined,
): Promise<Partial<RecordsEvidence>> {
  const activation = await activationOf(deps, tx, node, door);
  const addresses = new Set(
    (machine?.addresses ?? []).flatMap((one) => (one.until === null ? one.address : [])),
  );
  const users = [...landscape.nodes.values()].flatMap((other) => {
    if (other.node_id === node?.node_id || other.deregistered_at !== null || other.last_ping === null)
      return [];
    const address = [other.ip_address, other.peer].find((one) => one !== null && addresses.has(one));
    return address ? [{ address, nodeId: other.node_id, at: other.last_ping }] : [];
  });
  return {
    ...(users.length > 0 && { addressUsers: users.slice(0, 20) }),
    ...(activation && { activation }),
    ...(node && (await workOf(tx, region, node))),
    ...(node && (await bulkOf(tx, region, node))),
  };
}

/** The activation that it tried, else the one that it used. */
async function activationOf(
  deps: VerdictsDeps,
  tx: ReadTx,
  node: NodeFacts | undefined,
  door: DoorEvidence | undefined,
): Promise<RecordsEvidence['activation']> {
  const tried = door?.knocks.find((one) => /^[0-9a-f]{8}-/.test(one.claim ?? ''))?.claim;
  const activationId = tried ?? node?.activation_id ?? undefined;
  if (activationId === undefined) return undefined;
  const row: ActivationsRow | undefined = await tx.everywhere
    .selectFrom('activations')
    .selectAll()
    .where('region', 'in', deps.regions)
    .where('activation_id', '=', activationId)
    .executeTakeFirst();
  if (row) {
    return {
      activationId,
      region: row.region,
      expiresAt: row.expires_at,
      limit: row.registration_limit,
      used: row.registrations_count,
    };
  }
  // It isn't there; that it once was, a node that used it says, or the room in which its knocks are kept.
  const wasOurs = node?.activation_id === activationId || (await wasKnown(tx, activationId));
  return wasOurs
    ? {
        activationId,
        region: node?.region ?? deps.regions[0] ?? '',
        expiresAt: 0,
        limit: 0,
        used: 0,
        deleted: true,
      }
    : undefined;
}

async function wasKnown(tx: ReadTx, claim: string): Promise<boolean> {
  const row = await tx.everywhere
    .selectFrom('knocks')
    .select('claim')
    .where('claim', '=', claim)
    .where('room', '=', 'known')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** What it has to do. */
async function workOf(
  tx: ReadTx,
  region: string,
  node: NodeFacts,
): Promise<Pick<RecordsEvidence, 'associations' | 'waitingCommands'>> {
  const statuses = await tx
    .in(region)
    .selectFrom('association_statuses')
    .select((row) => row.fn.countAll<number | string>().as('count'))
    .where('node_id', '=', node.node_id)
    .executeTakeFirst();
  const waiting = await tx
    .in(region)
    .selectFrom('invocations')
    .select((row) => [row.fn.countAll<number | string>().as('count'), row.fn.min('deadline').as('first')])
    .where('node_id', '=', node.node_id)
    .where('ended_at', 'is', null)
    .where('accepted_at', 'is', null)
    .executeTakeFirst();
  const count = Number(waiting?.count ?? 0);
  return {
    associations: Number(statuses?.count ?? 0),
    ...(count > 0 && {
      waitingCommands: {
        count,
        ...(waiting?.first != null && { firstExpiresAt: Number(waiting.first) }),
      },
    }),
  };
}

const tenMinutes = 600_000;

/** Whether many were taken out of the list with it, by the same hand. */
async function bulkOf(
  tx: ReadTx,
  region: string,
  node: NodeFacts,
): Promise<Pick<RecordsEvidence, 'bulkDeregistration'>> {
  if (node.deregistered_at === null || node.deregistered_by === null) return {};
  const at = node.deregistered_at;
  const rows = await tx
    .in(region)
    .selectFrom('nodes')
    .select('deregistered_at')
    .where('deregistered_at', '>=', at - tenMinutes)
    .where('deregistered_at', '<=', at + tenMinutes)
    .where('deregistered_by', '=', node.deregistered_by)
    .orderBy('deregistered_at')
    .limit(10_000)
    .execute();
  return bulkAround(
    node.deregistered_by,
    at,
    rows.map((row) => Number(row.deregistered_at)),
  );
}
