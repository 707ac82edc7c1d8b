/**
 * Which node is which machine. Pure: machines and nodes in, pairs out. By id, then SMBIOS UUID, MAC, host name,
 * address; what is weaker only decides where what is stronger said nothing, and what is ambiguous decides nothing.
 */
import { comparedNames, idMark, macMark, nameMark, uuidMark } from './marks.ts';

export type JoinedBy = 'id' | 'uuid' | 'mac' | 'name' | 'address';

/** A node, as far as it matters for this. */
export interface JoinNode {
  readonly nodeId: string;
  readonly registeredAt: number;
  readonly deregistered: boolean;
  readonly online: boolean;
  readonly lastPing: number | null;
  readonly name: string | null;
  readonly computerName: string | null;
  readonly address: string | null;
  /** `mac:…` and `uuid:…`, where the node's own evidence told them. */
  readonly marks?: readonly string[] | undefined;
}

/** A machine, as far as it matters for this. */
export interface JoinMachine {
  readonly source: string;
  readonly key: string;
  readonly retired: boolean;
  readonly nodeId: string | null;
  readonly uuid: string | null;
  readonly macs: readonly string[];
  /** As written. */
  readonly names: readonly string[];
  /** Those that are its own now. */
  readonly addresses: readonly string[];
}

/** The machine's place in the roster, as one text. */
export type MachineId = string;

export function machineId(machine: { readonly source: string; readonly key: string }): MachineId {
  return `${machine.source}/${machine.key}`;
}

/** Who is who. */
export interface Join {
  readonly nodeOf: ReadonlyMap<MachineId, { readonly nodeId: string; readonly by: JoinedBy }>;
  /** A node belongs to at most one machine; a machine has had any number of nodes. */
  readonly machineOf: ReadonlyMap<string, MachineId>;
  /** Nodes that a machine was before it was the one that it is now. */
  readonly former: ReadonlySet<string>;
  /** Machines that another source lists as well, and which that is. */
  readonly sameAs: ReadonlyMap<MachineId, MachineId>;
}

type Level = {
  readonly by: JoinedBy;
  marks(machine: JoinMachine): readonly string[];
  nodeMarks(node: JoinNode): readonly string[];
};

const ofNode = (prefix: string) => (node: JoinNode) =>
  (node.marks ?? []).filter((mark) => mark.startsWith(prefix));

const wholeNames = (names: readonly (string | null)[]) =>
  names.flatMap((name) => (name ? [nameMark(name.toLowerCase())] : []));

/** Short names say the same as each other only where one of the two isn't given in full. */
const shortMark = (name: string) => {
  const [whole, short] = comparedNames(name);
  return short === undefined ? [`name:${whole}`, `short:${whole}`] : [`full:${short}`];
};

const levels: readonly Level[] = [
  {
    by: 'id',
    marks: ({ nodeId }) => (nodeId === null ? [] : [idMark(nodeId)]),
    nodeMarks: ({ nodeId }) => [idMark(nodeId)],
  },
  {
    by: 'uuid',
    marks: ({ uuid }) => (uuid === null ? [] : [uuidMark(uuid)]),
    nodeMarks: ofNode('uuid:'),
  },
  { by: 'mac', marks: ({ macs }) => macs.map(macMark), nodeMarks: ofNode('mac:') },
  {
    by: 'name',
    marks: ({ key, names }) => wholeNames([key, ...names]),
    nodeMarks: ({ computerName }) => wholeNames([computerName]),
  },
  {
    // A full name here, the short one there. Two full names that differ are two machines.
    by: 'name',
    marks: ({ key, names }) => [key, ...names].flatMap(shortMark).map(crossed),
    nodeMarks: ({ computerName }) => (computerName === null ? [] : shortMark(computerName)),
  },
  {
    // The name that an activation gave: often many share it, and then it decides nothing.
    by: 'name',
    marks: ({ key, names }) => wholeNames([key, ...names]),
    nodeMarks: ({ name }) => wholeNames([name]),
  },
  {
    by: 'address',
    marks: ({ addresses }) => addresses,
    nodeMarks: ({ address }) => (address === null ? [] : [address]),
  },
];

/** A machine's full name looks for a node's short one, and the other way round. */
function crossed(mark: string): string {
  if (mark.startsWith('short:')) return `full:${mark.slice('short:'.length)}`;
  if (mark.startsWith('full:')) return `short:${mark.slice('full:'.length)}`;
  return mark;
}

/** Finds who is who. */
export function join(machines: readonly JoinMachine[], nodes: readonly JoinNode[]): Join {
  const nodeOf = new Map<MachineId, { nodeId: string; by: JoinedBy }>();
  const machineOf = new Map<string, MachineId>();
  const former = new Set<string>();
  const sameAs = new Map<MachineId, MachineId>();
  const sourceOf = new Map(machines.map((machine) => [machineId(machine), machine.source]));
  // What is listed now comes before what was listed once; then by name, so that the order of finding says nothing.
  const waiting = [...machines].sort(
    (a, b) => Number(a.retired) - Number(b.retired) || (machineId(a) < machineId(b) ? -1 : 1),
  );
  for (const deregistered of [false, true]) {
    const some = nodes.filter((node) => node.deregistered === deregistered);
    if (some.length === 0) continue;
    for (const level of levels) {
      const wanted = claims(waiting, level, nodeOf, sameAs);
      const byMark = indexed(some, level, wanted.marks);
      if (byMark.size === 0) continue;
      for (const machine of waiting) {
        const id = machineId(machine);
        if (nodeOf.has(id) || sameAs.has(id)) continue;
        const marks = level.marks(machine);
        const found = new Set(marks.flatMap((mark) => byMark.get(mark) ?? []));
        const free = [...found].filter((node) => !machineOf.has(node.nodeId));
        const other = [...found].map((node) => machineOf.get(node.nodeId)).find((one) => one !== undefined);
        if (free.length === 0) {
          // Another source's entry has that node already: the same machine, listed twice.
          if (other !== undefined && sourceOf.get(other) !== machine.source) sameAs.set(id, other);
          continue;
        }
        // Two machines of one source that both could be it: neither is.
        const rival = marks.some(
          (mark) => byMark.has(mark) && (wanted.counts.get(`${machine.source}\n${mark}`) ?? 0) > 1,
        );
        const best = rival ? undefined : bestOf(free);
        if (!best) continue;
        nodeOf.set(id, { nodeId: best.nodeId, by: level.by });
        machineOf.set(best.nodeId, id);
        for (const node of free) {
          if (node === best || !livedBefore(node, best)) continue;
          machineOf.set(node.nodeId, id);
          former.add(node.nodeId);
        }
      }
    }
  }
  joinSources(
    waiting.filter((machine) => !machine.retired && !nodeOf.has(machineId(machine))),
    sameAs,
  );
  return { nodeOf, machineOf, former, sameAs };
}

/**
 * Machines that no node is, and that two sources list: by what is theirs alone, or by the whole name where no
 * address speaks against it. Listed twice is missing once.
 */
function joinSources(machines: readonly JoinMachine[], sameAs: Map<MachineId, MachineId>): void {
  const ways: readonly {
    readonly marks: (machine: JoinMachine) => readonly string[];
    readonly fits: (one: JoinMachine, other: JoinMachine) => boolean;
  }[] = [
    { marks: ({ uuid }) => (uuid === null ? [] : [uuidMark(uuid)]), fits: () => true },
    { marks: ({ macs }) => macs.map(macMark), fits: () => true },
    { marks: ({ names }) => wholeNames(names), fits: agree },
  ];
  for (const { marks, fits } of ways) {
    const byMark = new Map<string, JoinMachine[]>();
    for (const machine of machines) {
      if (sameAs.has(machineId(machine))) continue;
      for (const mark of new Set(marks(machine))) {
        const known = byMark.get(mark);
        if (known) known.push(machine);
        else byMark.set(mark, [machine]);
      }
    }
    for (const alike of byMark.values()) {
      // Two of one source with the same mark: which of them the other source means, nobody knows.
      if (new Set(alike.map(({ source }) => source)).size < alike.length) continue;
      const [first, ...others] = alike.filter((machine) => !sameAs.has(machineId(machine)));
      for (const other of others)
        if (first && fits(first, other)) sameAs.set(machineId(other), machineId(first));
    }
  }
  // What one way found may itself have been found to be another's by the next.
  for (const [id, same] of sameAs) {
    let last = same;
    for (let next = sameAs.get(last); next !== undefined; next = sameAs.get(last)) last = next;
    sameAs.set(id, last);
  }
}

/** Nothing that only one machine can have says that they are two. */
function agree(one: JoinMachine, other: JoinMachine): boolean {
  const clash = <T>(a: readonly T[], b: readonly T[]) =>
    a.length > 0 && b.length > 0 && !a.some((value) => b.includes(value));
  const known = (value: string | null) => (value === null ? [] : [value]);
  return !(
    clash(known(one.nodeId), known(other.nodeId)) ||
    clash(known(one.uuid), known(other.uuid)) ||
    clash(one.macs, other.macs) ||
    clash(one.addresses, other.addresses)
  );
}

/** Nodes by their marks, of those that some machine looks for. */
function indexed(
  nodes: readonly JoinNode[],
  level: Level,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly JoinNode[]> {
  const byMark = new Map<string, JoinNode[]>();
  if (wanted.size === 0) return byMark;
  for (const node of nodes) {
    for (const mark of level.nodeMarks(node)) {
      if (!wanted.has(mark)) continue;
      const known = byMark.get(mark);
      if (known) known.push(node);
      else byMark.set(mark, [node]);
    }
  }
  return byMark;
}

/** The marks that machines look for, and how many of each source that lists them now do. */
function claims(
  machines: readonly JoinMachine[],
  level: Level,
  nodeOf: ReadonlyMap<MachineId, unknown>,
  sameAs: ReadonlyMap<MachineId, unknown>,
): { readonly marks: ReadonlySet<string>; readonly counts: ReadonlyMap<string, number> } {
  const counts = new Map<string, number>();
  const marks = new Set<string>();
  for (const machine of machines) {
    const id = machineId(machine);
    if (nodeOf.has(id) || sameAs.has(id)) continue;
    for (const mark of new Set(level.marks(machine))) {
      marks.add(mark);
      if (machine.retired) continue;
      const key = `${machine.source}\n${mark}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return { marks, counts };
}

/**
 * The only one; or the only one that is there, when the others are lost; or, when all are, the one that lived
 * last, if the others were gone before it came. Otherwise nobody can say which of them it is.
 */
function bestOf(nodes: readonly JoinNode[]): JoinNode | undefined {
  if (nodes.length === 1) return nodes[0];
  const online = nodes.filter((node) => node.online);
  if (online.length > 1) return undefined;
  if (online.length === 1) return online[0];
  const last = nodes.reduce((a, b) => (heard(b) > heard(a) ? b : a));
  return nodes.every((node) => node === last || livedBefore(node, last)) ? last : undefined;
}

function heard(node: JoinNode): number {
  return node.lastPing ?? node.registeredAt;
}

/** It was gone before the other came: one machine that registered anew. */
function livedBefore(node: JoinNode, other: JoinNode): boolean {
  return !node.online && heard(node) <= other.registeredAt;
}
