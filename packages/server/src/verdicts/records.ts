/** What stands in the books about a subject, in the words of the evidence. */
import { isIP } from 'node:net';
import type { MachineRecord, NodeRecord, RecordsEvidence } from '@rollcall/diagnosis';
import { comparedNames, type Landscape, type MachineFacts, type NodeFacts } from '../roster/index.ts';
import { present } from '../service/index.ts';
import type { Subject } from './subject.ts';

/** A place where a node's requests came from; of the stored sightings. */
export interface StoredSighting {
  readonly name: string;
  readonly address: string;
  readonly peer: string;
  readonly at: number;
}

/** A node, as evidence. `sightings` are read for single subjects only. */
export function nodeRecord(node: NodeFacts, sightings: readonly StoredSighting[] = []): NodeRecord {
  const { presence } = node;
  return present<NodeRecord>({
    nodeId: node.node_id,
    name: node.name ?? node.computer_name,
    region: node.region,
    registeredAt: node.registered_at,
    deregisteredAt: node.deregistered_at,
    deregisteredBy: node.deregistered_by,
    status: presence.status,
    hidden: presence.hidden,
    lastPing: node.last_ping,
    periodSeconds: node.period,
    connected: presence.connected,
    channelOpenedAt: node.opened_at,
    channelClosedAt: node.closed_at,
    channelClosedBy: node.closed_by,
    agentName: node.agent_name,
    agentVersion: node.agent_version,
    platform: node.platform_type,
    platformName:
      node.platform_name === null ? null : `${node.platform_name} ${node.platform_version ?? ''}`.trim(),
    address: node.ip_address,
    sources: sourcesOf(node, sightings),
    skewMs: node.skew_ms,
    clone:
      node.clone_seen_at === null
        ? null
        : {
            at: node.clone_seen_at,
            sightings: sightings.map((one) => `${one.name} (${one.address}, from ${one.peer})`),
          },
    role: node.iam_role,
    trusts: node.trusts,
  });
}

/** Where its requests come from, newest first. A sighting is written when it begins, so its end is the next one's. */
function sourcesOf(node: NodeFacts, sightings: readonly StoredSighting[]): NodeRecord['sources'] {
  const places: { address: string; from: number; to: number }[] = [];
  for (const [index, { peer, at }] of sightings.entries()) {
    const to = index === 0 ? Math.max(node.last_ping ?? at, at) : at;
    const known = places.find((place) => place.address === peer);
    if (known) known.from = Math.min(known.from, at);
    else places.push({ address: peer, from: at, to });
  }
  if (places.length === 0 && node.peer !== null && node.last_ping !== null) {
    places.push({ address: node.peer, from: node.registered_at, to: node.last_ping });
  }
  return places;
}

/** A machine, as evidence. */
export function machineRecord(landscape: Landscape, machine: MachineFacts): MachineRecord {
  const { join } = landscape;
  const { row, addresses, readAt } = machine;
  return present<MachineRecord>({
    key: row.machine_key,
    source: row.source,
    sourceReadAt: readAt ?? row.last_seen_at,
    name: row.name,
    expected: row.retired_at === null ? row.expected : 'retired',
    power: row.power,
    maintenanceUntil: row.maintenance_until,
    firstSeenAt: row.first_seen_at,
    addresses: addresses.map((one) =>
      present<MachineRecord['addresses'][number]>({ address: one.address, from: one.since, to: one.until }),
    ),
    joinedBy: join.nodeOf.get(machine.id)?.by,
    otherName: otherNameOf(landscape, machine),
    hardware: hardwareOf(row),
  });
}

/** What the landscape says of a subject; the rest of the records is looked up where it is worth it. */
export function landscapeRecords(
  landscape: Landscape,
  { node, machine }: Subject,
  sightings?: readonly StoredSighting[],
): RecordsEvidence {
  const successor = node && successorOf(landscape, node);
  return {
    ...(node && { node: nodeRecord(node, sightings) }),
    ...(machine && { machine: machineRecord(landscape, machine) }),
    ...(successor && {
      successor: {
        nodeId: successor.node_id,
        status: successor.presence.status,
        registeredAt: successor.registered_at,
      },
    }),
  };
}

/** A node that came later under the same host name, or as the same machine, and is there while this one isn't. */
function successorOf(landscape: Landscape, node: NodeFacts): NodeFacts | undefined {
  if (node.deregistered_at === null && node.presence.status === 'Online') return undefined;
  const machine = landscape.join.machineOf.get(node.node_id);
  const current = landscape.nodes.get(landscape.join.nodeOf.get(machine ?? '')?.nodeId ?? '');
  const isLater = (other: NodeFacts) =>
    other !== node &&
    other.deregistered_at === null &&
    other.presence.status === 'Online' &&
    other.registered_at >= (node.last_ping ?? node.registered_at);
  if (current && isLater(current)) return current;
  const name = node.computer_name?.toLowerCase();
  if (name === undefined) return undefined;
  const same = landscape.byComputerName.get(name) ?? [];
  const later = same.filter(isLater);
  // Several that are there: which of them came for it, nobody knows.
  return later.length === 1 ? later[0] : undefined;
}

/** The host name of the node that has a machine's address, where only that joins them, and no name agrees. */
export function otherNameOf({ join, nodes }: Landscape, { id, row }: MachineFacts): string | undefined {
  const joined = join.nodeOf.get(id);
  if (joined?.by !== 'address') return undefined;
  const host = nodes.get(joined.nodeId)?.computer_name;
  const names = [row.machine_key, row.name, ...(JSON.parse(row.names) as string[])].filter(
    (name) => name !== '' && isIP(name) === 0,
  );
  if (!host || names.length === 0) return undefined;
  const own = new Set(names.flatMap(comparedNames));
  return comparedNames(host).some((name) => own.has(name)) ? undefined : host;
}

function hardwareOf(row: MachineFacts['row']): MachineRecord['hardware'] {
  const macs = JSON.parse(row.macs) as string[];
  if (row.system_uuid === null && macs.length === 0) return undefined;
  return { macs, ...(row.system_uuid !== null && { uuid: row.system_uuid }) };
}
