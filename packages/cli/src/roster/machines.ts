/** The machines of the roster as a list: those that should be there, or only those that aren't. */

import type { ListMachinesOutput, MachineSummary } from '@rollcall/wire';
import { type Asking, ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { table } from '../output/table.ts';
import { span } from '../output/time.ts';
import { listAll, type Wire } from '../wire.ts';

/** Which machines. */
export interface MachineOptions extends SharedOptions {
  readonly missing?: boolean;
  readonly retired?: boolean;
  readonly all?: boolean;
  readonly source?: string;
  readonly name?: string;
  readonly limit?: string;
}
type Machine = Wire<MachineSummary>;

/** Lists them. */
export function listMachines(options: MachineOptions, io: Io): Promise<void> {
  const Filter = options.missing ? 'missing' : options.retired ? 'retired' : options.all ? 'all' : 'expected';
  const input = {
    Filter,
    ...(options.source && { Source: options.source }),
    ...(options.name && { Name: options.name }),
  };
  const limit = options.limit === undefined ? undefined : readCount(options.limit, '--limit');
  return ask(io, options, async (asking) => {
    const { client, screen, print, printJson } = asking;
    const { items, page } = await listAll<Machine, Wire<ListMachinesOutput>>(
      client,
      'ListMachines',
      input,
      (each) => each.Machines,
      { limit },
    );
    if (options.json) {
      printJson({ Machines: items, Total: page.Total });
      return;
    }
    if (items.length)
      print(
        ...table(
          columns,
          items.map((each) => row(each, io.now())),
          screen,
        ),
        '',
      );
    print(...footer(items, page.Total, options, asking));
  });
}

const columns = [
  { title: 'MACHINE', atLeast: 12 },
  { title: 'SOURCE', atLeast: 8 },
  { title: 'EXPECTED' },
  { title: 'ADDRESS', atLeast: 9 },
  { title: 'NODE' },
];

function row(machine: Machine, now: number): string[] {
  const address = machine.Addresses.find((each) => each.To === undefined) ?? machine.Addresses.at(-1);
  return [
    machine.Name || machine.Key,
    machine.Source,
    expectation(machine, now),
    address?.Address ?? '',
    machine.InstanceId ?? (machine.SameAs === undefined ? 'none' : `as ${machine.SameAs}`),
  ];
}

function expectation(machine: Machine, now: number): string {
  if (machine.RetiredAt !== undefined) return `retired ${span(now - machine.RetiredAt * 1000)} ago`;
  if (machine.Power === 'off') return 'switched off';
  if (machine.MaintenanceUntil !== undefined && machine.MaintenanceUntil * 1000 > now) return 'maintenance';
  return machine.Expected;
}

function footer(items: readonly Machine[], total: number, options: MachineOptions, asking: Asking): string[] {
  const { screen, region } = asking;
  const where = `in ${screen.text(region)}`;
  if (total === 0) {
    if (options.name) return [`No machine is called "${screen.text(options.name)}" ${where}.`];
    if (options.missing) return [`No machine is missing ${where}.`];
    if (options.retired) return [`No machine is retired ${where}.`];
    return [
      `The roster of ${screen.text(region)} is empty. To fill it:`,
      `  rollcall roster import${atData()} FILE`,
    ];
  }
  const kind = options.missing ? 'missing ' : options.retired ? 'retired ' : '';
  const lines = [`${items.length.toLocaleString('en-US')} of ${counted(total, `${kind}machine`)} ${where}.`];
  const [first] = items;
  if (options.missing && first)
    lines.push(
      `Why:  rollcall why${atData()} ${screen.text(first.Name || first.Key, 60)}`,
      `Of all of them, grouped by cause:  rollcall why${atData()} --all`,
    );
  return lines;
}
