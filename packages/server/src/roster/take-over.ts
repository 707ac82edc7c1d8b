/**
 * Takes a source's list over into the books. What isn't listed any more is retired, not missing; what is listed
 * with other addresses keeps the old ones with the time in which they were its own.
 */
import { Refusal } from '../service/index.ts';
import type { MachinesRow, WriteTx } from '../store/index.ts';
import type { Expected, ListedMachine } from './machine.ts';
import { marksOfRow } from './marks.ts';
import {
  allAddresses,
  allMachines,
  beginAddresses,
  endAddresses,
  replaceMarks,
  seenAgain,
  writeMachines,
} from './queries.ts';

/** What became of a list. */
export interface TakenOver {
  readonly machines: number;
  readonly added: number;
  readonly changed: number;
  readonly retired: number;
  readonly returned: number;
}

/** How a list is taken over. */
export interface TakeOver {
  readonly region: string;
  readonly source: string;
  readonly machines: readonly ListedMachine[];
  /** For machines of which the list doesn't say it. */
  readonly expected: Expected;
  readonly at: number;
  readonly dryRun?: boolean;
  /** That most machines are gone is meant so. */
  readonly retireMost?: boolean;
}

const day = 86_400_000;
/** From so many machines on, a list without most of them is taken for half a file. */
const suspicious = 4;

/** Does it, in the caller's transaction. Refuses a list that looks like half a file. */
export async function takeOver(tx: WriteTx, asked: TakeOver): Promise<TakenOver> {
  const { region, source, machines, at } = asked;
  const before = new Map((await allMachines(tx, region, source)).map((row) => [row.machine_key, row]));
  const listed = new Set(machines.map(({ key }) => key));
  const gone = [...before.values()].filter((row) => row.retired_at === null && !listed.has(row.machine_key));
  const wereListed = [...before.values()].filter((row) => row.retired_at === null).length;
  if (!asked.retireMost && wereListed >= suspicious && gone.length > wereListed / 2) {
    throw new Refusal(
      'ValidationException',
      `The list lacks ${gone.length} of the ${wereListed} machines that ${source} had: that looks like half a file, and nothing was changed. If they are really gone, say so: RetireMost (--retire-most).`,
    );
  }
  // The first list of a source was true before we were told: its machines aren't new, and whoever makes it wants to
  // know of this morning.
  const since = before.size === 0 ? at - day : at;
  const rows = machines.map((machine) => rowOf(asked, since, machine, before.get(machine.key)));
  const isNew = (row: (typeof rows)[number]) => !before.has(row.machine_key);
  const wasRetired = (row: (typeof rows)[number]) =>
    (before.get(row.machine_key)?.retired_at ?? null) !== null;
  const changed = rows.filter((row) => isNew(row) || !sameMachine(row, before.get(row.machine_key)!));
  const leases = await leasesOf(tx, asked);
  const moved = new Set([...leases.begun, ...leases.ended].map((lease) => lease.machine_key));
  const answer = {
    machines: machines.length,
    added: rows.filter(isNew).length,
    changed: rows.filter(
      (row) =>
        !isNew(row) &&
        !wasRetired(row) &&
        (moved.has(row.machine_key) || !sameMachine(row, before.get(row.machine_key)!)),
    ).length,
    retired: gone.length,
    returned: rows.filter(wasRetired).length,
  };
  if (asked.dryRun) return answer;
  await writeMachines(tx, region, [
    ...changed,
    ...gone.map((row) => withoutRegion({ ...row, retired_at: at })),
  ]);
  await seenAgain(tx, region, source, at);
  await replaceMarks(
    tx,
    region,
    source,
    changed.map((row) => ({ key: row.machine_key, marks: marksOfRow(row) })),
  );
  await endAddresses(tx, region, source, leases.ended, at);
  await beginAddresses(
    tx,
    region,
    leases.begun.map((lease) => ({ source, ...lease, since, until: null })),
  );
  return answer;
}

type NewRow = Omit<MachinesRow, 'region'>;

function rowOf(
  { source, expected, at }: TakeOver,
  since: number,
  machine: ListedMachine,
  before: MachinesRow | undefined,
): NewRow {
  return {
    source,
    machine_key: machine.key,
    name: machine.name,
    node_id: machine.nodeId ?? null,
    system_uuid: machine.uuid ?? null,
    expected: machine.expected ?? expected,
    power: machine.power ?? null,
    maintenance_until: machine.maintenanceUntil ?? null,
    first_seen_at: before?.first_seen_at ?? since,
    last_seen_at: at,
    retired_at: null,
    names: JSON.stringify(machine.names),
    macs: JSON.stringify(machine.macs),
  };
}

function sameMachine(a: NewRow, b: NewRow): boolean {
  const parts = [
    'name',
    'node_id',
    'system_uuid',
    'expected',
    'power',
    'maintenance_until',
    'retired_at',
    'names',
    'macs',
  ] as const;
  return parts.every((part) => a[part] === b[part]);
}

function withoutRegion({ region: _, ...row }: MachinesRow): NewRow {
  return row;
}

interface Lease {
  readonly machine_key: string;
  readonly address: string;
}

/** Which addresses are new, and which nobody lists any more; those of retired machines end as well. */
async function leasesOf(
  tx: WriteTx,
  { region, source, machines }: TakeOver,
): Promise<{ begun: Lease[]; ended: Lease[] }> {
  const known = new Map<string, Set<string>>();
  for (const row of await allAddresses(tx, region, source)) {
    if (row.until !== null) continue;
    const set = known.get(row.machine_key) ?? new Set();
    known.set(row.machine_key, set.add(row.address));
  }
  const begun: Lease[] = [];
  const ended: Lease[] = [];
  for (const { key, addresses } of machines) {
    const had = known.get(key);
    for (const address of addresses) if (!had?.has(address)) begun.push({ machine_key: key, address });
    for (const address of had ?? [])
      if (!addresses.includes(address)) ended.push({ machine_key: key, address });
    known.delete(key);
  }
  for (const [key, had] of known) for (const address of had) ended.push({ machine_key: key, address });
  return { begun, ended };
}
