/**
 * Many subjects at once: what is looked up for one of them is looked up for all in one statement each. Judged by
 * the same rules as a single one; what only a single one is worth (its commands, its sightings) is left out.
 */
import type { DoorEvidence, Evidence, Verdict } from '@rollcall/diagnosis';
import { sql } from 'kysely';
import { sourceOf } from '../knocks/index.ts';
import type { Landscape, NodeFacts } from '../roster/index.ts';
import { type ActivationsRow, type KnocksRow, type ReadTx, rowsOf } from '../store/index.ts';
import { attribute, type Lease } from './attribution.ts';
import { bulkAround } from './bulk.ts';
import type { VerdictsDeps } from './deps.ts';
import { type Fleet, fleetFor, lostAt } from './fleet.ts';
import { loadJudge } from './judge.ts';
import { ownWords } from './own-word.ts';
import { landscapeRecords } from './records.ts';
import type { Subject } from './subject.ts';

/** Where the batch is judged. */
export interface Place {
  readonly region: string;
  readonly account: string;
  readonly now: number;
  readonly landscape: Landscape;
  readonly fleet: Fleet;
}

/** A subject, judged. */
export interface JudgedSubject {
  readonly subject: Subject;
  readonly evidence: Evidence;
  readonly verdict: Verdict;
}

/** How the addresses of a region are used: by whom, and until when. */
export interface Addresses {
  /** Nodes and machines that use an address. */
  readonly nodes: ReadonlyMap<string, readonly NodeFacts[]>;
  readonly machines: ReadonlyMap<string, number>;
  /** Nodes that come from an address, and when one of them last did. */
  readonly peers: ReadonlyMap<string, { readonly count: number; readonly lastPing: number }>;
  /** When each hand deregistered nodes, in order. */
  readonly deregistrations: ReadonlyMap<string, readonly number[]>;
}

/** Works out who uses which address. */
export function addressesIn(landscape: Landscape): Addresses {
  const nodes = new Map<string, NodeFacts[]>();
  const peers = new Map<string, { count: number; lastPing: number }>();
  const deregistrations = new Map<string, number[]>();
  for (const node of landscape.nodes.values()) {
    if (node.deregistered_at !== null) {
      const by = node.deregistered_by ?? '';
      const times = deregistrations.get(by);
      if (times) times.push(node.deregistered_at);
      else deregistrations.set(by, [node.deregistered_at]);
      continue;
    }
    const own = node.ip_address === node.peer ? [node.peer] : [node.ip_address, node.peer];
    for (const address of own) {
      if (address === null) continue;
      const known = nodes.get(address);
      if (known) known.push(node);
      else nodes.set(address, [node]);
    }
    if (node.peer === null) continue;
    const peer = peers.get(node.peer) ?? { count: 0, lastPing: 0 };
    peer.count += 1;
    peer.lastPing = Math.max(peer.lastPing, node.last_ping ?? 0);
    peers.set(node.peer, peer);
  }
  const machines = new Map<string, number>();
  for (const machine of landscape.machines.values()) {
    if (landscape.join.sameAs.has(machine.id)) continue;
    for (const { address, until } of machine.addresses) {
      if (until === null) machines.set(address, (machines.get(address) ?? 0) + 1);
    }
  }
  for (const times of deregistrations.values()) times.sort((a, b) => a - b);
  return { nodes, machines, peers, deregistrations };
}

type BatchDeps = Pick<VerdictsDeps, 'store' | 'regions' | 'isPolling'>;

/** So many are judged at a time, a fraction of a millisecond each: others get their turn in between. */
const atOnce = 100;

/** Judges them, in their order. */
export async function judgeMany(
  deps: BatchDeps,
  place: Place,
  subjects: readonly Subject[],
): Promise<readonly JudgedSubject[]> {
  if (subjects.length === 0) return [];
  const judge = await loadJudge();
  const addresses = addressesIn(place.landscape);
  const judged: JudgedSubject[] = [];
  for (let from = 0; from < subjects.length; from += atOnce) {
    const some = subjects.slice(from, from + atOnce);
    for (const one of await deps.store.read((tx) => judgeSome(deps, tx, judge, place, addresses, some))) {
      judged.push(one);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return judged;
}

async function judgeSome(
  deps: BatchDeps,
  tx: ReadTx,
  judge: (evidence: Evidence) => Verdict,
  place: Place,
  addresses: Addresses,
  subjects: readonly Subject[],
): Promise<readonly JudgedSubject[]> {
  const leases = subjects.map(leasesOf);
  const knocks = await knocksOf(tx, subjects, leases);
  const doors = subjects.map((subject, index) => doorOf(subject, leases[index]!, knocks, addresses));
  const activations = await activationsOf(deps, tx, subjects, doors);
  const judged = subjects.map((subject, index) => {
    const evidence = evidenceOf(deps, place, subject, doors[index]!, addresses, activations);
    return { subject, evidence, verdict: judge(evidence) };
  });
  return withOwnWords(tx, judge, place.region, judged);
}

/** Where nothing shows, what the nodes themselves last said may. */
async function withOwnWords(
  tx: ReadTx,
  judge: (evidence: Evidence) => Verdict,
  region: string,
  judged: readonly JudgedSubject[],
): Promise<readonly JudgedSubject[]> {
  const unclear = judged.flatMap(({ subject, verdict }) =>
    verdict.state === 'unclear' && subject.node ? [subject.node.node_id] : [],
  );
  const words = await ownWords(tx, region, unclear);
  if (words.size === 0) return judged;
  return judged.map((one) => {
    const word = one.verdict.state === 'unclear' && words.get(one.subject.node?.node_id ?? '');
    if (!word) return one;
    const evidence = { ...one.evidence, ...word };
    return { ...one, evidence, verdict: judge(evidence) };
  });
}

function evidenceOf(
  deps: BatchDeps,
  { region, account, now, landscape, fleet }: Place,
  { node, machine }: Subject,
  door: DoorEvidence,
  addresses: Addresses,
  activations: ReadonlyMap<string, ActivationsRow>,
): Evidence {
  const records = landscapeRecords(landscape, { ...(node && { node }), ...(machine && { machine }) });
  const current = (machine?.addresses ?? []).flatMap((one) => (one.until === null ? one.address : []));
  const users = current.flatMap((address) =>
    (addresses.nodes.get(address) ?? []).flatMap((other) =>
      other === node || other.last_ping === null
        ? []
        : [{ address, nodeId: other.node_id, at: other.last_ping }],
    ),
  );
  const tried = door.knocks.find((one) => activations.has(one.claim ?? ''))?.claim;
  const activation = activations.get(tried ?? '');
  const isLost = node !== undefined && node.deregistered_at === null && node.presence.status !== 'Online';
  const skew = door.knocks.flatMap((one) => /^skew=([+-]?\d+)s$/.exec(one.detail ?? '')?.[1] ?? [])[0];
  const polling = node !== undefined && deps.isPolling(node.node_id);
  return {
    now,
    request: {
      // Of what only an address joins, the machine is asked for.
      asked: (records.machine?.otherName === undefined ? node?.node_id : undefined) ?? machine?.id ?? '',
      region,
      servedRegions: deps.regions,
      account,
    },
    records: {
      ...records,
      ...(records.node && polling && { node: { ...records.node, polling } }),
      ...(users.length > 0 && { addressUsers: users.slice(0, 20) }),
      ...(node && bulkOf(node, addresses)),
      ...(activation && {
        activation: {
          activationId: activation.activation_id,
          region: activation.region,
          expiresAt: activation.expires_at,
          limit: activation.registration_limit,
          used: activation.registrations_count,
        },
      }),
    },
    door,
    fleet: fleetFor(fleet, {
      nodeId: node?.node_id,
      lostAt: isLost && node.last_ping !== null ? lostAt(node) : undefined,
      peer: node?.peer,
      behindPeer: node?.peer ? addresses.peers.get(node.peer)?.count : undefined,
      skewMs: skew === undefined ? (node?.skew_ms ?? undefined) : Number(skew) * 1000,
      reasons: door.knocks.filter((one) => one.lastAt > now - 3_600_000).map((one) => one.reason),
    }),
  };
}

function bulkOf({ deregistered_at: at, deregistered_by: by }: NodeFacts, { deregistrations }: Addresses) {
  return at === null || by === null ? {} : bulkAround(by, at, deregistrations.get(by) ?? []);
}

function leasesOf({ node, machine }: Subject): readonly Lease[] {
  const leases: Lease[] = [];
  for (const one of machine?.addresses ?? []) {
    leases.push({ address: one.address, from: one.since, ...(one.until !== null && { to: one.until }) });
  }
  if (node) {
    for (const address of new Set([node.peer, node.ip_address])) {
      if (address !== null) leases.push({ address, from: node.registered_at });
    }
  }
  return leases;
}

interface Knocks {
  readonly byClaim: ReadonlyMap<string, readonly KnocksRow[]>;
  readonly byAddress: ReadonlyMap<string, readonly KnocksRow[]>;
}

async function knocksOf(
  tx: ReadTx,
  subjects: readonly Subject[],
  leases: readonly (readonly Lease[])[],
): Promise<Knocks> {
  const claims = subjects.flatMap(({ node }) => (node ? [{ value: node.node_id }] : []));
  const byClaim = await lookUp(tx, 'claim', claims);
  const sources = [...new Set(leases.flat().map((lease) => sourceOf(lease.address)))].map((value) => ({
    value,
  }));
  const bySource = await lookUp(tx, 'source', sources);
  return {
    byClaim: Map.groupBy(byClaim, (row) => row.claim),
    byAddress: Map.groupBy(bySource, (row) => row.address),
  };
}

async function lookUp(
  tx: ReadTx,
  column: 'claim' | 'source',
  asked: readonly { readonly value: string }[],
): Promise<KnocksRow[]> {
  if (asked.length === 0) return [];
  const others = column === 'claim' ? sql`1 = 1` : sql`(knocks.claim = '' OR knocks.claim NOT LIKE 'mi-%')`;
  const { rows } = await sql<KnocksRow>`SELECT knocks.* FROM ${rowsOf(tx, 'asked', asked, { value: 'text' })}
    CROSS JOIN knocks WHERE knocks.${sql.ref(column)} = asked.value AND ${others}`.execute(tx.everywhere);
  return rows;
}

function doorOf(
  { node, machine }: Subject,
  leases: readonly Lease[],
  knocks: Knocks,
  addresses: Addresses,
): DoorEvidence {
  const own = new Set(node ? [node.peer, node.ip_address] : []);
  const its = new Set((machine?.addresses ?? []).flatMap((one) => (one.until === null ? one.address : [])));
  const sharedBy = (address: string) => {
    const nodes = (addresses.nodes.get(address)?.length ?? 0) - (own.has(address) ? 1 : 0);
    const machines = (addresses.machines.get(address) ?? 0) - (its.has(address) ? 1 : 0);
    return Math.max(nodes, node ? machines : nodes + machines);
  };
  const rows = new Set<KnocksRow>([
    ...((node && knocks.byClaim.get(node.node_id)) ?? []),
    ...[...new Set(leases.map((one) => one.address))].flatMap(
      (address) => knocks.byAddress.get(address) ?? [],
    ),
  ]);
  const marks = { nodeId: node?.node_id, leases, sharedBy };
  const found = [...rows].flatMap((row) => attribute(row, marks) ?? []).sort((a, b) => b.lastAt - a.lastAt);
  const accepted =
    node?.peer && node.last_ping !== null ? { address: node.peer, at: node.last_ping } : undefined;
  const others = [...its].flatMap((address) => {
    const peer = addresses.peers.get(address);
    return peer && peer.lastPing > 0 ? [{ address, at: peer.lastPing }] : [];
  });
  const last = accepted ?? others.sort((a, b) => b.at - a.at)[0];
  return { knocks: found.slice(0, 40), ...(last && { lastAccepted: last }) };
}

async function activationsOf(
  deps: BatchDeps,
  tx: ReadTx,
  subjects: readonly Subject[],
  doors: readonly DoorEvidence[],
): Promise<ReadonlyMap<string, ActivationsRow>> {
  const claims = new Set(doors.flatMap((door) => door.knocks.flatMap((one) => one.claim ?? [])));
  const ids = [...claims].filter((claim) => /^[0-9a-f]{8}-/.test(claim)).slice(0, 1000);
  if (ids.length === 0 || subjects.length === 0) return new Map();
  const rows = await tx.everywhere
    .selectFrom('activations')
    .selectAll()
    .where('region', 'in', deps.regions)
    .where('activation_id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.activation_id, row]));
}
