/** Who came to the door that may have been the subject, and from which addresses it may have come. */
import type { DoorEvidence } from '@rollcall/diagnosis';
import { type RawBuilder, sql } from 'kysely';
import { sourceOf } from '../knocks/index.ts';
import type { PresenceView } from '../presence/index.ts';
import type { Landscape, NodeFacts } from '../roster/index.ts';
import type { KnocksRow, ReadTx } from '../store/index.ts';
import { attribute, type Lease } from './attribution.ts';
import type { VerdictsDeps } from './deps.ts';
import type { StoredSighting } from './records.ts';
import type { Asked, Subject } from './subject.ts';

/** Knocks of one address, or of one claim, that are looked at: the newest. */
const mostKnocks = 40;
/** A commoner address says nothing of any one of those who use it. */
const crowd = 1000;

/** The addresses that may be the subject's, with their times. */
export function leasesOf(
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

/** The knocks that are its, by claim or by address, and when somebody last got through from there. */
export async function doorOf(
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
