/** `rollcall nodes`: the list of managed nodes; who can be picked from it, and who should be in it. */

import type { Command } from 'commander';
import { ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Node, type NodeChoice, type NodePage, nodeFooter, nodeTable } from '../list/node-table.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { listAll } from '../wire.ts';

interface Options extends SharedOptions, NodeChoice {
  readonly missing?: boolean;
  readonly for?: string;
  readonly watch?: boolean;
  readonly source?: string;
  readonly limit?: string;
}

/** Declares `nodes`. */
export function nodes(command: Command, io: Io): void {
  command
    .description('Lists the managed nodes of a region.')
    .option('--missing', 'machines of the roster that no node is, instead')
    .option('--for <document>', 'who can be picked for this document, who not, and why')
    .option('--hidden', 'those that were lost for 30 days or more, instead')
    .option('--deregistered', 'those that were deregistered, instead')
    .option('--watch', 'go on, and show what changes; Ctrl-C ends it')
    .option('--name <name>', 'only the node with this id, name or computer name')
    .option('--source <name>', 'with --missing: only those of this source of the roster')
    .option('--limit <n>', 'at most so many (default: all; with --for 50)');
  dataOption(regionOption(jsonOption(command)))
    .addHelpText(
      'after',
      `
STATUS is AWS's: Online or Connection Lost, from the node's heartbeats. CHANNEL
is whether commands and sessions can reach it at this moment. Why one isn't
there, or can't be picked: rollcall why NODE. With --for the exit code is 1 when
nobody can be picked.`,
    )
    .action((options: Options) => choose(options, io));
}

async function choose(options: Options, io: Io): Promise<void> {
  const { missing, for: document, watch } = options;
  const lists = { missing, for: document, hidden: options.hidden, deregistered: options.deregistered };
  const asked = Object.entries(lists).filter(([, value]) => value !== undefined);
  if (asked.length > 1)
    throw new Failure(
      `${asked.map(([name]) => `--${name}`).join(' and ')} are different lists. Ask for one.`,
    );
  if (options.source !== undefined && !missing) throw new Failure('--source goes with --missing.');
  if (watch && (missing || document !== undefined || options.deregistered))
    throw new Failure('--watch is about the list of nodes; it goes with --hidden and --name only.');
  if (document !== undefined && options.name !== undefined)
    throw new Failure(`For one node: rollcall why${atData()} ${options.name} --for ${document}`);
  if (missing) return (await import('../roster/machines.ts')).listMachines({ ...options, missing }, io);
  if (document !== undefined)
    return (await import('../list/pickable.ts')).listPickable({ ...options, for: document }, io);
  if (watch) return (await import('../list/watch.ts')).watchNodes(options, io);
  return list(options, io);
}

function list(options: Options, io: Io): Promise<void> {
  const limit = options.limit === undefined ? undefined : readCount(options.limit, '--limit');
  return ask(io, options, async ({ client, screen, region, print, printJson }) => {
    const input = {
      ...(options.hidden && { Hidden: true }),
      ...(options.deregistered && { Deregistered: true }),
      ...(options.name && { Name: options.name }),
    };
    const { items, page } = await listAll<Node, NodePage>(client, 'ListNodes', input, (each) => each.Nodes, {
      limit,
    });
    if (options.json) {
      printJson({ Nodes: items, Total: page.Total, HiddenCount: page.HiddenCount });
      return;
    }
    const table = nodeTable(items, options, io.now(), screen);
    print(...table, ...(table.length ? [''] : []), ...nodeFooter(items, page, options, region, screen));
  });
}
