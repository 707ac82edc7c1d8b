/** `rollcall roster`: the machines that should be there. */
import { type Command, Option } from 'commander';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { type ImportOptions, importRoster } from '../roster/import.ts';
import { listMachines, type MachineOptions } from '../roster/machines.ts';
import { formats } from '../roster/read-file.ts';
import { addSource, listSources, removeSource, type SourceOptions } from '../roster/sources.ts';

/** Declares `roster`. */
export function roster(command: Command, io: Io): void {
  command
    .description('Knows the machines that should be there, so that missing ones can be named.')
    .addHelpText(
      'after',
      `
For example:
  rollcall roster import inventory.ini --source ansible-prod
  aws ec2 describe-instances | rollcall roster import - --source ec2-prod
  rollcall roster source add netbox https://netbox.lan/rollcall --every 15m
  rollcall nodes --missing

A machine is a node by its id, its SMBIOS UUID, a MAC, its name or its address,
in this order. Who is gone from its source is retired, not missing.`,
    );
  const bring = command
    .command('import <file>')
    .description('reads machines from a file, or from - for standard input')
    .addOption(formatOption('by its name and content'))
    .option('--source <name>', 'where it is from (the name of the file)')
    .addOption(
      new Option('--expected <when>', 'for machines of which it is not said (always)').choices([
        'always',
        'office-hours',
        'spare',
        'retired',
      ]),
    )
    .option('--dry-run', 'say what would become of them, and change nothing')
    .option('--retire-most', 'most machines of the source are gone, and that is right');
  shared(bring).action((file: string, options: ImportOptions) => importRoster(file, options, io));
  const list = command
    .command('list')
    .description('lists machines, each with the node that it is')
    .option('--missing', 'only those that no node is')
    .option('--retired', 'those that are gone from their source, instead')
    .option('--all', 'both')
    .option('--source <name>', 'only those of this source')
    .option('--name <name>', 'only those with this name or address')
    .option('--limit <n>', 'at most so many (default: all)');
  shared(list).action((options: MachineOptions) => listMachines(options, io));
  const source = command.command('source').description('places that the server reads by itself');
  const add = source
    .command('add <name> <url>')
    .description('the server reads this URL from now on; again, to change it')
    .addOption(formatOption('json'))
    .option('--every <span>', 'how often, for example 15m (5m)')
    .option('--authorization-file <file>', 'holds what to send as Authorization; - is standard input');
  dataOption(regionOption(add)).action((name: string, url: string, options: SourceOptions) =>
    addSource(name, url, options, io),
  );
  shared(source.command('list').description('lists them, and what came of each')).action(
    (options: SharedOptions) => listSources(options, io),
  );
  dataOption(
    regionOption(source.command('remove <name>').description('forgets one with all its machines')),
  ).action((name: string, options: SharedOptions) => removeSource(name, options, io));
}

function formatOption(otherwise: string): Option {
  return new Option('--format <form>', `what it is (${otherwise})`).choices(formats);
}

function shared(command: Command): Command {
  return dataOption(regionOption(jsonOption(command)));
}
