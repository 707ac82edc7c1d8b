/** `ListMachines`: the roster as it stands, with the node that each machine is. */
import type { ListMachinesInput, ListMachinesOutput, MachineSummary } from '@rollcall/wire';
import { type AnyOperation, dateOf, operation, present, readToken, writeToken } from '../service/index.ts';
import type { Landscape, MachineFacts } from './landscape.ts';
import { comparedNames } from './marks.ts';

/** Declares it; `landscape` is of the whole region, a few seconds old at most. */
export function machineOperations(
  landscape: (region: string) => Promise<Landscape>,
): readonly AnyOperation[] {
  return [
    operation<ListMachinesInput, ListMachinesOutput>({
      service: 'rollcall',
      name: 'ListMachines',
      access: { by: 'policy', action: 'rollcall:ListMachines', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const size = input.MaxResults ?? 100;
        const { NextToken, MaxResults: _, ...asked } = input;
        const question = ['ListMachines', call.region, asked];
        const after = readToken(question, NextToken, ['']);
        const whole = await landscape(call.region);
        const chosen = [...whole.machines.values()].filter((machine) =>
          isAsked(whole, machine, input, call.at),
        );
        const rest = after ? chosen.filter((machine) => machine.id > after[0]!) : chosen;
        const page = rest.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, size);
        const last = page.at(-1);
        return {
          Machines: page.map((machine) => summary(whole, machine)),
          Total: chosen.length,
          ...(rest.length > size && last && { NextToken: writeToken(question, [last.id]) }),
        };
      },
    }),
  ];
}

/** Whether a machine should be there: listed, and not kept for later. */
export function isExpected({ row }: MachineFacts): boolean {
  return row.retired_at === null && row.expected !== 'retired';
}

/** Whether it may be away: in maintenance, or a spare or on by day only, and not known to run. */
function mayBeAway({ row }: MachineFacts, now: number): boolean {
  return (row.maintenance_until ?? 0) > now || (row.expected !== 'always' && row.power !== 'on');
}

function isAsked(whole: Landscape, machine: MachineFacts, input: ListMachinesInput, now: number): boolean {
  const { row, addresses } = machine;
  if (input.Source !== undefined && row.source !== input.Source) return false;
  if (input.Name !== undefined) {
    const asked = input.Name.toLowerCase();
    const names = [row.machine_key, ...(JSON.parse(row.names) as string[])].flatMap(comparedNames);
    if (!names.includes(asked) && !addresses.some((one) => one.address === asked)) return false;
  }
  switch (input.Filter ?? 'expected') {
    case 'all':
      return true;
    case 'retired':
      return !isExpected(machine);
    case 'expected':
      return isExpected(machine);
    case 'missing':
      return isExpected(machine) && !mayBeAway(machine, now) && !isThere(whole, machine);
  }
}

/** Whether some registered node is the machine. */
export function isThere({ join, nodes }: Landscape, { id }: MachineFacts): boolean {
  const nodeId = join.nodeOf.get(id)?.nodeId;
  const node = nodeId === undefined ? undefined : nodes.get(nodeId);
  return join.sameAs.has(id) || (node !== undefined && node.deregistered_at === null);
}

function summary({ join, nodes }: Landscape, { id, row, addresses }: MachineFacts): MachineSummary {
  const found = join.nodeOf.get(id);
  const node = found && nodes.get(found.nodeId);
  return present<MachineSummary>({
    Source: row.source,
    Key: row.machine_key,
    Name: row.name,
    Names: JSON.parse(row.names),
    Addresses: addresses.map((one) =>
      present<MachineSummary['Addresses'][number]>({
        Address: one.address,
        From: new Date(one.since),
        To: dateOf(one.until),
      }),
    ),
    Expected: row.expected,
    Power: row.power,
    MaintenanceUntil: dateOf(row.maintenance_until),
    InstanceId: found?.nodeId,
    JoinedBy: found?.by,
    PingStatus: node && node.deregistered_at === null ? node.presence.status : undefined,
    SameAs: join.sameAs.get(id),
    FirstSeenAt: new Date(row.first_seen_at),
    LastSeenAt: new Date(row.last_seen_at),
    RetiredAt: dateOf(row.retired_at),
  });
}
