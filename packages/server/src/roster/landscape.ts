/**
 * Machines and nodes as they stand, joined: of a whole region, or of the surroundings of one subject. The
 * surroundings are found by index, however many nodes there are; joined by the same rules, they say the same.
 */
import { type RawBuilder, sql } from 'kysely';
import type { NodePresence, PresenceFacts, PresenceView } from '../presence/index.ts';
import {
  type MachineAddressesRow,
  type MachinesRow,
  type NodesRow,
  type PresenceRow,
  type ReadTx,
  rowsOf,
  type Store,
} from '../store/index.ts';
import { type Join, type JoinMachine, type JoinNode, join, type MachineId, machineId } from './join.ts';
import { comparedNames, idMark, marksOfRow, nameMark } from './marks.ts';
import { allAddresses, allMachines, allSources } from './queries.ts';

/** A node as it stands. */
export type NodeFacts = Pick<
  NodesRow,
  | 'region'
  | 'node_id'
  | 'registered_at'
  | 'activation_id'
  | 'iam_role'
  | 'name'
  | 'agent_name'
  | 'agent_version'
  | 'platform_type'
  | 'platform_name'
  | 'platform_version'
  | 'ip_address'
  | 'computer_name'
  | 'trusts'
  | 'clone_seen_at'
  | 'deregistered_at'
  | 'deregistered_by'
  | 'peer'
> &
  Omit<PresenceRow, 'region' | 'node_id' | 'epoch' | 'gap'> & {
    readonly presence: NodePresence;
  };

/** A machine as it stands. */
export interface MachineFacts {
  readonly id: MachineId;
  readonly row: MachinesRow;
  readonly addresses: readonly MachineAddressesRow[];
  /** When its source was last read with success. */
  readonly readAt: number | null;
}

/** Machines and nodes, joined. */
export interface Landscape {
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly machines: ReadonlyMap<MachineId, MachineFacts>;
  readonly join: Join;
  /** Nodes by the name of their host, in lower case. */
  readonly byComputerName: ReadonlyMap<string, readonly NodeFacts[]>;
}

/** What the status of a row is: given by who opened presence. */
export type StatusOf = (row: PresenceFacts, view: PresenceView) => NodePresence;

const columns =
  sql.raw(`nodes.region, nodes.node_id, nodes.registered_at, nodes.activation_id, nodes.iam_role,
  nodes.name, nodes.agent_name, nodes.agent_version, nodes.platform_type, nodes.platform_name,
  nodes.platform_version, nodes.ip_address, nodes.computer_name, nodes.trusts, nodes.clone_seen_at,
  nodes.deregistered_at, nodes.deregistered_by, nodes.peer, presence.last_ping, presence.period,
  presence.channel_server, presence.opened_at, presence.closed_at, presence.closed_by, presence.skew_ms`);

/** Tombstones older than this say nothing any more (milliseconds). */
const tombstonesCount = 90 * 86_400_000;
/** More neighbours than this of one kind are a crowd, and decide nothing. */
const mostNeighbours = 300;

async function loadNodes(
  tx: ReadTx,
  where: RawBuilder<unknown>,
  view: PresenceView,
  statusOf: StatusOf,
): Promise<NodeFacts[]> {
  const { rows } = await sql<Omit<NodeFacts, 'presence'>>`SELECT ${columns} FROM nodes
    JOIN presence ON presence.region = nodes.region AND presence.node_id = nodes.node_id
    WHERE ${where}`.execute(tx.everywhere);
  return rows.map((row) => Object.assign(row, { presence: statusOf(row, view) }));
}

/** So many nodes are read at a time: others get their turn in between. */
const atOnce = 4_000;

/** The whole region. Read in pieces, so that nobody else has to wait until 100,000 nodes are read. */
export async function wholeLandscape(
  store: Pick<Store, 'read'>,
  region: string,
  view: PresenceView,
  statusOf: StatusOf,
): Promise<Landscape> {
  const nodes: NodeFacts[] = [];
  for (let last = ''; ; ) {
    const page = await store.read((tx) =>
      loadNodes(
        tx,
        sql`nodes.region = ${region} AND nodes.node_id > ${last}
          AND (nodes.deregistered_at IS NULL OR nodes.deregistered_at > ${view.now - tombstonesCount})
          ORDER BY nodes.node_id LIMIT ${sql.lit(atOnce)}`,
        view,
        statusOf,
      ),
    );
    for (const node of page) nodes.push(node);
    if (page.length < atOnce) break;
    last = page.at(-1)!.node_id;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { machines, marks } = await store.read(async (tx) => ({
    machines: await machineFacts(tx, region, await allMachines(tx, region), await allAddresses(tx, region)),
    marks: await tx.in(region).selectFrom('node_marks').select(['node_id', 'mark']).execute(),
  }));
  await new Promise((resolve) => setImmediate(resolve));
  return joined(nodes, machines, marks);
}

/** What a subject may be found by. */
export interface Seed {
  readonly nodeIds?: readonly string[];
  /** In lower case. */
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  readonly machines?: readonly { readonly source: string; readonly key: string }[];
}

/** What lies around a subject: all that could be it, and all that could be those. */
export async function surroundings(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  statusOf: StatusOf,
  seed: Seed,
): Promise<Landscape> {
  const nodes = new Map<string, NodeFacts>();
  const machines = new Map<MachineId, MachinesRow>();
  const addresses: MachineAddressesRow[] = [];
  const marks: { node_id: string; mark: string }[] = [];
  let wanted: Required<Seed> & { readonly marks: readonly string[] } = {
    nodeIds: seed.nodeIds ?? [],
    names: seed.names ?? [],
    addresses: seed.addresses ?? [],
    machines: seed.machines ?? [],
    marks: [...(seed.names ?? []).map(nameMark), ...(seed.nodeIds ?? []).map(idMark)],
  };
  // First what the seed names; then what that could be; then what else those could be, or it would not be seen
  // that two of them claim the same.
  for (let round = 0; round < 3; round++) {
    const newNodes = (await findNodes(tx, region, view, statusOf, wanted)).filter(
      (node) => !nodes.has(node.node_id),
    );
    for (const node of newNodes) nodes.set(node.node_id, node);
    const newMarks = await marksOf(tx, region, newNodes);
    marks.push(...newMarks);
    const newMachines = (await findMachines(tx, region, wanted)).filter((row) => !machines.has(idOf(row)));
    for (const row of newMachines) machines.set(idOf(row), row);
    const newAddresses = await addressesOfMany(tx, region, newMachines);
    addresses.push(...newAddresses);
    if (newNodes.length === 0 && newMachines.length === 0) break;
    const machineMarks = newMachines.flatMap(marksOfRow);
    wanted = {
      machines: [],
      nodeIds: newMachines.flatMap((row) => row.node_id ?? []),
      names: [
        ...machineMarks.filter((mark) => mark.startsWith('name:')).map((mark) => mark.slice('name:'.length)),
        // Whoever has the same name may be its successor.
        ...newNodes.flatMap((node) => node.computer_name?.toLowerCase() ?? []),
      ],
      addresses: [
        ...newAddresses.flatMap((row) => (row.until === null ? row.address : [])),
        ...newNodes.flatMap((node) => node.ip_address ?? []),
      ],
      marks: [
        ...newMarks.map(({ mark }) => mark),
        ...machineMarks,
        ...newNodes.map((node) => idMark(node.node_id)),
        ...newNodes.flatMap((node) =>
          [node.name, node.computer_name].flatMap((name) =>
            name === null ? [] : comparedNames(name).map(nameMark),
          ),
        ),
      ],
    };
  }
  return joined(
    [...nodes.values()],
    await machineFacts(tx, region, [...machines.values()], addresses),
    marks,
  );
}

async function findNodes(
  tx: ReadTx,
  region: string,
  view: PresenceView,
  statusOf: StatusOf,
  { nodeIds, names, addresses, marks }: Required<Seed> & { readonly marks: readonly string[] },
): Promise<NodeFacts[]> {
  const found: RawBuilder<unknown>[] = [];
  const among = (column: RawBuilder<unknown>, values: readonly string[]) => {
    const asked = [...new Set(values)].slice(0, mostNeighbours).map((value) => ({ value }));
    if (asked.length === 0) return;
    found.push(sql`SELECT nodes.node_id FROM nodes WHERE nodes.region = ${region} AND ${column} IN
      (SELECT asked.value FROM ${rowsOf(tx, 'asked', asked, { value: 'text' })})`);
  };
  among(sql`nodes.node_id`, nodeIds);
  // The indexes are of names that there are; SQLite takes them only when it is told so.
  among(sql`nodes.name IS NOT NULL AND lower(nodes.name)`, names);
  among(sql`nodes.computer_name IS NOT NULL AND lower(nodes.computer_name)`, names);
  among(sql`nodes.ip_address`, addresses);
  // Full names of which the asked one is the first part: '/' follows '.'.
  for (const name of new Set(names.filter((one) => !one.includes('.')).slice(0, 20))) {
    found.push(sql`SELECT nodes.node_id FROM nodes WHERE nodes.region = ${region}
      AND nodes.computer_name IS NOT NULL AND lower(nodes.computer_name) > ${`${name}.`} AND lower(nodes.computer_name) < ${`${name}/`}`);
  }
  const machineMarks = [...new Set(marks)]
    .filter((mark) => /^(mac|uuid):/.test(mark))
    .slice(0, mostNeighbours);
  if (machineMarks.length > 0) {
    found.push(sql`SELECT node_marks.node_id FROM node_marks WHERE node_marks.region = ${region}
      AND node_marks.mark IN (${sql.join(machineMarks)})`);
  }
  if (found.length === 0) return [];
  // Each part is looked up in its own index; an OR of them would be a walk over all nodes.
  const ids = sql.join(
    found.map((one) => sql`SELECT * FROM (${one} LIMIT ${sql.lit(mostNeighbours)}) AS part`),
    sql` UNION `,
  );
  return loadNodes(
    tx,
    sql`nodes.region = ${region} AND nodes.node_id IN (${ids})
      AND (nodes.deregistered_at IS NULL OR nodes.deregistered_at > ${view.now - tombstonesCount}
        OR nodes.node_id IN (${nodeIds.length > 0 ? sql.join([...nodeIds]) : sql`''`}))`,
    view,
    statusOf,
  );
}

async function findMachines(
  tx: ReadTx,
  region: string,
  { addresses, marks, machines }: Required<Seed> & { readonly marks: readonly string[] },
): Promise<MachinesRow[]> {
  const keys = new Map<string, { source: string; machine_key: string }>();
  const add = (row: { source: string; machine_key: string }) =>
    keys.set(`${row.source}/${row.machine_key}`, { source: row.source, machine_key: row.machine_key });
  for (const { source, key } of machines) add({ source, machine_key: key });
  const asked = [...new Set(marks)].slice(0, 4 * mostNeighbours);
  if (asked.length > 0) {
    const rows = await tx
      .in(region)
      .selectFrom('machine_marks')
      .select(['source', 'machine_key'])
      .where('mark', 'in', asked)
      .limit(mostNeighbours)
      .execute();
    rows.forEach(add);
  }
  const places = [...new Set(addresses)].slice(0, mostNeighbours);
  if (places.length > 0) {
    const rows = await tx
      .in(region)
      .selectFrom('machine_addresses')
      .select(['source', 'machine_key'])
      .where('address', 'in', places)
      .limit(mostNeighbours)
      .execute();
    rows.forEach(add);
  }
  if (keys.size === 0) return [];
  const { rows } = await sql<MachinesRow>`SELECT machines.*
    FROM ${rowsOf(tx, 'asked', [...keys.values()], { source: 'text', machine_key: 'text' })} CROSS JOIN machines
    WHERE machines.source = asked.source AND machines.machine_key = asked.machine_key
      AND machines.region = ${region}`.execute(tx.everywhere);
  return rows;
}

async function marksOf(
  tx: ReadTx,
  region: string,
  nodes: readonly NodeFacts[],
): Promise<{ node_id: string; mark: string }[]> {
  if (nodes.length === 0) return [];
  return tx
    .in(region)
    .selectFrom('node_marks')
    .select(['node_id', 'mark'])
    .where(
      'node_id',
      'in',
      nodes.map((node) => node.node_id),
    )
    .execute();
}

async function addressesOfMany(
  tx: ReadTx,
  region: string,
  machines: readonly MachinesRow[],
): Promise<MachineAddressesRow[]> {
  if (machines.length === 0) return [];
  const asked = machines.map(({ source, machine_key }) => ({ source, machine_key }));
  const { rows } = await sql<MachineAddressesRow>`SELECT a.*
    FROM ${rowsOf(tx, 'asked', asked, { source: 'text', machine_key: 'text' })} CROSS JOIN machine_addresses AS a
    WHERE a.source = asked.source AND a.machine_key = asked.machine_key AND a.region = ${region}
    ORDER BY a.since, a.address`.execute(tx.everywhere);
  return rows;
}

async function machineFacts(
  tx: ReadTx,
  region: string,
  rows: readonly MachinesRow[],
  addresses: readonly MachineAddressesRow[],
): Promise<MachineFacts[]> {
  if (rows.length === 0) return [];
  const readAt = new Map((await allSources(tx, region)).map((source) => [source.source, source.read_at]));
  const byMachine = new Map<MachineId, MachineAddressesRow[]>();
  for (const row of addresses) {
    const known = byMachine.get(idOf(row));
    if (known) known.push(row);
    else byMachine.set(idOf(row), [row]);
  }
  return rows.map((row) => ({
    id: idOf(row),
    row,
    addresses: byMachine.get(idOf(row)) ?? [],
    readAt: readAt.get(row.source) ?? null,
  }));
}

function joined(
  nodes: readonly NodeFacts[],
  machines: readonly MachineFacts[],
  marks: readonly { readonly node_id: string; readonly mark: string }[],
): Landscape {
  const marksOfNode = new Map<string, string[]>();
  for (const { node_id, mark } of marks) {
    const known = marksOfNode.get(node_id);
    if (known) known.push(mark);
    else marksOfNode.set(node_id, [mark]);
  }
  const byComputerName = new Map<string, NodeFacts[]>();
  for (const node of nodes) {
    const name = node.computer_name?.toLowerCase();
    if (name === undefined) continue;
    const known = byComputerName.get(name);
    if (known) known.push(node);
    else byComputerName.set(name, [node]);
  }
  return {
    byComputerName,
    nodes: new Map(nodes.map((node) => [node.node_id, node])),
    machines: new Map(machines.map((machine) => [machine.id, machine])),
    join: join(
      machines.map(joinMachine),
      nodes.map((node) => joinNode(node, marksOfNode.get(node.node_id))),
    ),
  };
}

function joinNode(node: NodeFacts, marks: readonly string[] | undefined): JoinNode {
  return {
    nodeId: node.node_id,
    registeredAt: node.registered_at,
    deregistered: node.deregistered_at !== null,
    online: node.deregistered_at === null && node.presence.status === 'Online',
    lastPing: node.last_ping,
    name: node.name,
    computerName: node.computer_name,
    address: node.ip_address,
    marks,
  };
}

function joinMachine({ row, addresses }: MachineFacts): JoinMachine {
  return {
    source: row.source,
    key: row.machine_key,
    retired: row.retired_at !== null,
    nodeId: row.node_id,
    uuid: row.system_uuid,
    macs: JSON.parse(row.macs),
    names: JSON.parse(row.names),
    addresses: addresses.flatMap((one) => (one.until === null ? one.address : [])),
  };
}

function idOf(row: { readonly source: string; readonly machine_key: string }): MachineId {
  return machineId({ source: row.source, key: row.machine_key });
}
