/**
 * Whom a question is about: an id, a name or an address, as people write them, and what in the books that can
 * stand for. Several are several: nobody is guessed at.
 */
import { isIP } from 'node:net';
import type { Landscape, MachineFacts, NodeFacts, Seed } from '../roster/index.ts';
import { comparedNames } from '../roster/index.ts';

/** One that a question may be about: a node, a machine of the roster, or both where they are the same. */
export interface Subject {
  readonly node?: NodeFacts;
  readonly machine?: MachineFacts;
}

/** A question, read. */
export interface Asked {
  readonly text: string;
  readonly nodeId?: string;
  readonly address?: string;
  /** In lower case. */
  readonly name?: string;
  readonly machine?: { readonly source: string; readonly key: string };
}

/** Reads what was typed. */
export function readAsked(typed: string): Asked {
  const text = typed.trim();
  const lower = text.toLowerCase();
  if (/^(mi-[0-9a-f]{17}|i-([0-9a-f]{8}|[0-9a-f]{17}))$/.test(lower)) return { text, nodeId: lower };
  const address = lower.replace(/^\[|\]$/g, '').split('%')[0]!;
  if (isIP(address) !== 0) return { text, address: address.replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/, '$1') };
  const slash = text.indexOf('/');
  if (slash > 0)
    return { text, name: lower, machine: { source: text.slice(0, slash), key: text.slice(slash + 1) } };
  return { text, name: lower };
}

/** By what the question is looked up. */
export function seedOf({ nodeId, address, name, machine }: Asked): Seed {
  return {
    ...(nodeId === undefined ? {} : { nodeIds: [nodeId], names: [nodeId] }),
    ...(address === undefined ? {} : { addresses: [address], names: [address] }),
    ...(name === undefined ? {} : { names: comparedNames(name) }),
    ...(machine === undefined ? {} : { machines: [machine] }),
  };
}

/** All that it can stand for, the likeliest first. One: that is it. */
export function subjectsOf(landscape: Landscape, asked: Asked): readonly Subject[] {
  for (const fits of waysToFit(asked)) {
    const nodes = [...landscape.nodes.values()].filter((node) => fits.node(node));
    const machines = [...landscape.machines.values()].filter((machine) => fits.machine(machine));
    const subjects = asSubjects(landscape, nodes, machines, asked);
    if (subjects.length > 0) return narrowed(subjects);
  }
  return [];
}

interface Fits {
  node(node: NodeFacts): boolean;
  machine(machine: MachineFacts): boolean;
}

/** The ways in which something can be meant, the strictest first. */
function* waysToFit({ nodeId, address, name, machine: named }: Asked): Generator<Fits> {
  const nobody = () => false;
  if (named) {
    yield {
      node: nobody,
      machine: ({ row }) => row.source === named.source && row.machine_key === named.key,
    };
  }
  if (nodeId !== undefined) {
    yield { node: (node) => node.node_id === nodeId, machine: nobody };
    yield {
      node: nobody,
      machine: ({ row }) => row.node_id === nodeId || row.machine_key.toLowerCase() === nodeId,
    };
  }
  if (address !== undefined) {
    yield {
      node: (node) => node.ip_address === address,
      machine: (machine) => machine.addresses.some((one) => one.address === address && one.until === null),
    };
    yield {
      node: (node) => node.peer === address,
      machine: (machine) => machine.addresses.some((one) => one.address === address),
    };
  }
  const text = name ?? address;
  if (text !== undefined) {
    yield {
      node: (node) => [node.name, node.computer_name].some((one) => one?.toLowerCase() === text),
      machine: ({ row }) => namesOf(row).some((one) => one.toLowerCase() === text),
    };
    yield {
      node: (node) => [node.name, node.computer_name].some((one) => one !== null && areShort(one, text)),
      machine: ({ row }) => namesOf(row).some((one) => areShort(one, text)),
    };
  }
}

function namesOf(row: MachineFacts['row']): readonly string[] {
  return [row.machine_key, ...(JSON.parse(row.names) as string[])];
}

/** One of them is given in full, the other is its first part. */
function areShort(name: string, asked: string): boolean {
  const [whole, short] = comparedNames(name);
  const [askedWhole, askedShort] = comparedNames(asked);
  return short === askedWhole || (askedShort !== undefined && askedShort === whole);
}

function asSubjects(
  landscape: Landscape,
  nodes: readonly NodeFacts[],
  machines: readonly MachineFacts[],
  asked: Asked,
): readonly Subject[] {
  const { join } = landscape;
  const found = new Map<string, Subject>();
  for (const machine of machines) {
    // Listed twice is one machine.
    const id = join.sameAs.get(machine.id) ?? machine.id;
    const itself = landscape.machines.get(id) ?? machine;
    const node = landscape.nodes.get(join.nodeOf.get(id)?.nodeId ?? '');
    found.set(id, { machine: itself, ...(node && { node }) });
  }
  for (const node of nodes) {
    const id = join.machineOf.get(node.node_id);
    const machine = id === undefined ? undefined : landscape.machines.get(id);
    const key = id ?? node.node_id;
    // By its id a former node of a machine is meant itself; by a name, the machine is.
    if (found.has(key) && asked.nodeId === undefined) continue;
    if (machine && join.former.has(node.node_id) && asked.nodeId === undefined) {
      const current = landscape.nodes.get(join.nodeOf.get(machine.id)?.nodeId ?? '');
      found.set(key, { machine, ...(current && { node: current }) });
    } else found.set(key, { node, ...(machine && { machine }) });
  }
  return [...found.values()];
}

/** Leaves out who is only a memory while somebody else is there. */
function narrowed(subjects: readonly Subject[]): readonly Subject[] {
  const present = subjects.filter(
    ({ node, machine }) =>
      (node !== undefined && node.deregistered_at === null) ||
      (machine !== undefined && machine.row.retired_at === null),
  );
  const some = present.length > 0 ? present : subjects;
  if (some.length < 2) return some;
  // One is there, and all others were gone before it came: one machine, registered anew.
  const online = some.filter(
    ({ node }) => node?.deregistered_at === null && node.presence.status === 'Online',
  );
  const [one] = online;
  if (online.length !== 1 || !one?.node) return some;
  const came = one.node.registered_at;
  const others = some.filter((subject) => subject !== one);
  return others.every(
    ({ node, machine }) => !machine && node && (node.last_ping ?? node.registered_at) <= came,
  )
    ? [one]
    : some;
}
