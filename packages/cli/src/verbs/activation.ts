/** `rollcall activation`: lets machines join, and shows which did. */
import type { Command } from 'commander';
import { type CreateOptions, createActivation, defaultLimit, printLine } from '../activation/create.ts';
import { listActivations, readActivationId } from '../activation/list.ts';
import { type WatchOptions, watchActivation } from '../activation/progress.ts';
import { type RenewOptions, renewActivation } from '../activation/renew.ts';
import { ask } from '../ask.ts';
import type { Io } from '../io.ts';
import { nodeRole } from '../nodes.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';

/** Declares `activation`. */
export function activation(command: Command, io: Io): void {
  command.description('Lets machines join.');
  const create = command
    .command('create')
    .description('makes an activation and prints the lines that enrol machines with it')
    .option('--limit <n>', 'how many machines may use it, up to 1000', defaultLimit);
  newOptions(create, nodeRole).action((options: CreateOptions) => createActivation(options, nodeRole, io));
  const line = command
    .command('line')
    .description(
      'makes an activation and prints only the line for a machine; with an id, one like\nthat one: its code was told once, and a new code is a new activation',
    )
    .argument('[id]', 'take name, role and tags from this activation')
    .option('--limit <n>', 'how many machines may use it, up to 1000', defaultLimit);
  newOptions(line).action((id: string | undefined, options: CreateOptions) =>
    printLine(id, options, nodeRole, io),
  );
  const renew = command
    .command('renew <id>')
    .description('lets more machines in by one that has run out; its code stays')
    .option('--expires <time>', 'a span of at most 30 days, or 2026-10-02T14:00Z (24h)')
    .option('--limit <n>', 'how many may use it in all, up to 1000 (as it was)');
  dataOption(regionOption(jsonOption(renew))).action((id: string, options: RenewOptions) =>
    renewActivation(id, options, io),
  );
  dataOption(regionOption(jsonOption(command.command('list').description('list activations')))).action(
    (options: SharedOptions) => listActivations(options, io),
  );
  dataOption(
    regionOption(command.command('delete <id>').description('end an activation; who has registered stays')),
  ).action((id: string, options: SharedOptions) => remove(id, options, io));
  const watch = command
    .command('watch <id>')
    .description('registered, refused by reason, not seen; until all are there')
    .option('--once', 'say it once and end');
  dataOption(regionOption(jsonOption(watch))).action((id: string, options: WatchOptions) =>
    watchActivation(id, options, io),
  );
}

function newOptions(command: Command, role?: string): Command {
  command
    .option('--expires <time>', 'a span of at most 30 days, or 2026-10-02T14:00Z', '24h')
    .option('--tags <k=v,...>', 'tags for the machines that register')
    .option('--name <name>', 'name for the machines that register')
    .option('--role <role>', 'role name that the list shows', role);
  return dataOption(regionOption(jsonOption(command)));
}

function remove(id: string, options: SharedOptions, io: Io): Promise<void> {
  const ActivationId = readActivationId(id);
  return ask(io, options, async ({ client, screen, print }) => {
    await client.call('ssm', 'DeleteActivation', { ActivationId });
    print(`${screen.mark('yes')} Nobody can register with ${id} any more.`);
  });
}
