/** `rollcall cancel`: what has not begun never will, and what runs is stopped. */

import type { WatchCommandOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import type { Io } from '../io.ts';
import { resolveNode } from '../nodes.ts';
import { dataOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import type { Wire } from '../wire.ts';
import { readCommandId } from './commands.ts';

/** Declares `cancel`. */
export function cancel(command: Command, io: Io): void {
  command
    .description(
      'Cancels a command: where it has not begun it never will, where it runs\nit is stopped, with all that it started.',
    )
    .argument('<id>', 'the command; rollcall commands lists them')
    .argument('[nodes...]', 'only on these, by id or name');
  dataOption(regionOption(command)).action((id: string, nodes: string[], options: SharedOptions) =>
    run(readCommandId(id), nodes, options, io),
  );
}

function run(id: string, nodes: readonly string[], options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    const InstanceIds: string[] = [];
    for (const node of new Set(nodes)) InstanceIds.push(await resolveNode(client, node));
    const before = await client.call<Wire<WatchCommandOutput>>('rollcall', 'WatchCommand', watch(id));
    const { TargetCount, FinishedCount } = before.Command;
    if (FinishedCount >= TargetCount) {
      print(
        `${screen.mark('skipped')} It had ended already: ${screen.text(before.Command.StatusDetails, 40)}.`,
      );
      return;
    }
    await client.call('ssm', 'CancelCommand', { CommandId: id, ...(InstanceIds.length && { InstanceIds }) });
    const { Command } = await client.call<Wire<WatchCommandOutput>>('rollcall', 'WatchCommand', watch(id));
    const left = Command.TargetCount - Command.FinishedCount;
    const where = InstanceIds.length ? ` on ${counted(InstanceIds.length, 'node')}` : '';
    print(
      `${screen.mark('yes')} Cancelled${where}. ${left ? `${counted(left, 'node')} not finished yet.` : 'It has ended everywhere.'}`,
      `    rollcall commands${atData()} ${id}${left ? ' --wait' : ''}`,
    );
  });
}

/** Only how it stands. */
function watch(CommandId: string): object {
  return { CommandId, WaitSeconds: 0, MaxResults: 1 };
}
