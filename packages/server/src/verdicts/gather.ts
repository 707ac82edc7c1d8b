/** The evidence of one subject: what stands in the books, who came to the door, and how the others are. */
import type {
  DoorEvidence,
  Evidence,
  NodeEvidence,
  RecordsEvidence,
  RequestEvidence,
} from '@rollcall/diagnosis';
import { type RawBuilder, sql } from 'kysely';
import { documentArn } from '../documents/index.ts';
import { sourceOf } from '../knocks/index.ts';
import { nodeArn } from '../nodes/index.ts';
import type { PresenceView } from '../presence/index.ts';
import type { Landscape, NodeFacts } from '../roster/index.ts';
import type { Call } from '../service/index.ts';
import type { ActivationsRow, KnocksRow, ReadTx } from '../store/index.ts';
import { attribute, type Lease } from './attribution.ts';
import { bulkAround } from './bulk.ts';
import type { VerdictsDeps } from './deps.ts';
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
/** Knocks of one address, or of one claim, that are looked at: the newest. */
const mostKnocks = 40;
/** A commoner address says nothing of any one of those who use it. */
const crowd = 1000;

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

/** The addresses that may be the subject's, with their times. */
function leasesOf(
  landscape: Landscape,
  { node, machine }: Subject,
  asked: Asked,
  sightings: readonly StoredSighting[],
  now: number,
): readonly Lease[] {
  const leases: Lease[] = [];
  for (const one of machine?.addresses ?? []) {
    leases.push({ address: one.address, from: one.since, ...(one.until !== null && { to: one.until }) });
  }
  // What another source lists of the same machine is as good.
  for (const [other, same] of landscape.join.sameAs) {
    if (same !== machine?.id) continue;
    for (const one of landscape.machines.get(other)?.addresses ?? []) {
      leases.push({ address: one.address, from: one.since, ...(one.until !== null && { to: one.until }) });
    }
  }
  if (node) {
    // Only where it is now: where it was before, somebody else may be since.
    const [newest] = sightings;
    if (node.peer !== null) leases.push({ address: node.peer, from: newest?.at ?? node.registered_at });
    if (node.ip_address !== null && node.ip_address !== node.peer) {
      leases.push({ address: node.ip_address, from: newest?.at ?? node.registered_at });
    }
  }
  // An address that nobody in the books has is what the question is about.
  if (!node && !machine && asked.address !== undefined)
    leases.push({ address: asked.address, from: 0, to: now });
  return leases;
}

async function doorOf(
  deps: VerdictsDeps,
  tx: ReadTx,
  region: string,
  view: PresenceView,
  { node, machine }: Subject,
  asked: Asked,
  leases: readonly Lease[],
): Promise<DoorEvidence> {
  const nodeId = node?.node_id ?? asked.nodeId;
  const rows = new Map<string, KnocksRow>();
  const add = (found: readonly KnocksRow[]) => {
    for (const row of found) rows.set(`${row.room}\n${row.source}\n${row.claim}\n${row.reason}`, row);
  };
  if (nodeId !== undefined) {
    add(
      await tx.everywhere
        .selectFrom('knocks')
        .selectAll()
        .where('claim', '=', nodeId)
        .orderBy('last_at', 'desc')
        .limit(mostKnocks)
        .execute(),
    );
  }
  const addresses = [...new Set(leases.map((one) => one.address))].slice(0, 64);
  const shared = new Map<string, number>();
  for (const address of addresses) {
    add(
      await tx.everywhere
        .selectFrom('knocks')
        .selectAll()
        .where('source', '=', sourceOf(address))
        .where((row) => row.or([row('claim', '=', ''), row('claim', 'not like', 'mi-%')]))
        .orderBy('last_at', 'desc')
        .limit(mostKnocks)
        .execute(),
    );
  }
  for (const address of new Set([...addresses, ...[...rows.values()].map((row) => row.address)])) {
    shared.set(address, await countOthers(tx, deps.regions, address, node?.node_id, machine?.id));
  }
  const marks = { nodeId, leases, sharedBy: (address: string) => shared.get(address) ?? 0 };
  const knocks = [...rows.values()]
    .flatMap((row) => attribute(row, marks) ?? [])
    .sort((a, b) => b.lastAt - a.lastAt)
    .slice(0, mostKnocks);
  const accepted = await lastAccepted(tx, region, view, node, addresses);
  return { knocks, ...(accepted && { lastAccepted: accepted }) };
}

/** How many other nodes and machines use an address, in whichever region, counted up to a crowd. */
async function countOthers(
  tx: ReadTx,
  regions: readonly string[],
  address: string,
  nodeId: string | undefined,
  machine: string | undefined,
): Promise<number> {
  const some = (query: RawBuilder<unknown>) => sql`SELECT * FROM (${query} LIMIT ${sql.lit(crowd)}) AS part`;
  const served = sql.join([...regions]);
  const registered = sql`nodes.region IN (${served}) AND nodes.deregistered_at IS NULL`;
  const nodes = await sql<{ id: string }>`
    ${some(sql`SELECT nodes.node_id AS id FROM nodes WHERE ${registered} AND nodes.peer = ${address}`)}
    UNION ${some(sql`SELECT nodes.node_id AS id FROM nodes WHERE ${registered} AND nodes.ip_address = ${address}`)}`.execute(
    tx.everywhere,
  );
  const machines = await sql<{ source: string; machine_key: string }>`SELECT DISTINCT a.source, a.machine_key
    FROM machine_addresses AS a WHERE a.region IN (${served}) AND a.address = ${address} AND a.until IS NULL
    LIMIT ${sql.lit(crowd)}`.execute(tx.everywhere);
  const otherNodes = nodes.rows.filter((row) => row.id !== nodeId).length;
  const otherMachines = machines.rows.filter((row) => `${row.source}/${row.machine_key}` !== machine).length;
  // A machine and the node that it is are one; which is which doesn't matter for how many there are.
  return Math.max(otherNodes, nodeId === undefined ? otherNodes + otherMachines : otherMachines);
}

/** Whether anybody ever got through from there. */
async function lastAccepted(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  node: NodeFacts | undefined,
  addresses: readonly string[],
): Promise<DoorEvidence['lastAccepted']> {
  if (node?.peer && node.last_ping !== null)
    return { address: node.peer, at: Math.min(node.last_ping, view.now) };
  if (addresses.length === 0) return undefined;
  const { rows } = await sql<{
    address: string;
    at: number;
  }>`SELECT nodes.peer AS address, presence.last_ping AS at
    FROM nodes CROSS JOIN presence
    WHERE nodes.region = ${region} AND nodes.peer IN (${sql.join([...addresses])})
      AND presence.region = nodes.region AND presence.node_id = nodes.node_id AND presence.last_ping IS NOT NULL
    ORDER BY presence.last_ping DESC LIMIT 1`.execute(tx.everywhere);
  return rows[0];
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
