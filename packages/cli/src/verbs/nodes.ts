/** `rollcall nodes`: the list of managed nodes. */
import type { ListNodesOutput, NodeSummary } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask, readCount } from '../ask.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import type { Screen } from '../output/screen.ts';
import { type Column, table } from '../output/table.ts';
import { localTime, span } from '../output/time.ts';
import { listAll, type Wire } from '../wire.ts';

interface Options extends SharedOptions {
  readonly hidden?: boolean;
  readonly deregistered?: boolean;
  readonly name?: string;
  readonly limit?: string;
}
type Node = Wire<NodeSummary>;

/** Declares `nodes`. */
export function nodes(command: Command, io: Io): void {
  command
    .description('Lists the managed nodes of a region.')
    .option('--hidden', 'those that were lost for 30 days or more, instead')
    .option('--deregistered', 'those that were deregistered, instead')
    .option('--name <name>', 'only the node with this id, name or computer name')
    .option('--limit <n>', 'at most so many (default: all)');
  dataOption(regionOption(jsonOption(command)))
    .addHelpText(
      'after',
      `
STATUS is AWS's: Online or Connection Lost, from the node's heartbeats. CHANNEL
is whether commands and sessions can reach it at this moment.`,
    )
    .action((options: Options) => run(options, io));
}

function run(options: Options, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, region, print, printJson }) => {
    const input = {
      ...(options.hidden && { Hidden: true }),
      ...(options.deregistered && { Deregistered: true }),
      ...(options.name && { Name: options.name }),
    };
    const limit = options.limit === undefined ? undefined : readCount(options.limit, '--limit');
    const { items, page } = await listAll<Node, Wire<ListNodesOutput>>(
      client,
      'ListNodes',
      input,
      (each) => each.Nodes,
      { limit },
    );
    if (options.json) {
      printJson({ Nodes: items, Total: page.Total, HiddenCount: page.HiddenCount });
      return;
    }
    if (items.length) {
      const layout = options.deregistered ? tombstones(items) : living(items, io.now());
      print(...table(layout.columns, layout.rows, screen), '');
    }
    print(...footer(items, page, options, region, screen));
  });
}

interface Layout {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

function living(nodes: readonly Node[], now: number): Layout {
  return {
    columns: [
      { title: 'NODE' },
      { title: 'NAME', atLeast: 10 },
      { title: 'STATUS' },
      { title: 'LAST SEEN' },
      { title: 'CHANNEL' },
      { title: 'PLATFORM', atLeast: 6 },
    ],
    rows: nodes.map((node) => [
      node.InstanceId,
      nameOf(node),
      statusWords(node.PingStatus),
      node.LastPingDateTime === undefined ? 'never' : `${span(now - node.LastPingDateTime * 1000)} ago`,
      node.ChannelOpen ? 'open' : 'none',
      [node.PlatformName, node.PlatformVersion].filter(Boolean).join(' '),
    ]),
  };
}

function tombstones(nodes: readonly Node[]): Layout {
  return {
    columns: [
      { title: 'NODE' },
      { title: 'NAME', atLeast: 8 },
      { title: 'DEREGISTERED' },
      { title: 'BY', atLeast: 8 },
    ],
    rows: nodes.map((node) => [
      node.InstanceId,
      nameOf(node),
      node.DeregisteredAt === undefined ? '' : localTime(node.DeregisteredAt * 1000),
      (node.DeregisteredBy ?? '').replace(/^arn:aws:iam::\d+:/, ''),
    ]),
  };
}

function nameOf(node: Node): string {
  return node.Name || node.ComputerName || '';
}

/** AWS's state words as people write them. */
export function statusWords(status: string): string {
  return status === 'ConnectionLost' ? 'Connection Lost' : status;
}

function footer(
  items: readonly Node[],
  page: Wire<ListNodesOutput>,
  options: Options,
  region: string,
  screen: Screen,
): string[] {
  const where = `in ${screen.text(region)}`;
  const elsewhere = page.HiddenCount > 0 && !options.hidden && !options.deregistered;
  const more = elsewhere
    ? [`${page.HiddenCount} more, lost for 30 days or longer: rollcall nodes --hidden`]
    : [];
  if (page.Total === 0) {
    if (options.name) return [`No node is called "${screen.text(options.name)}" ${where}.`, ...more];
    if (options.deregistered) return [`No node was deregistered ${where}.`];
    if (options.hidden) return [`No node was lost for 30 days or longer ${where}.`];
    if (more.length) return [`0 nodes ${where}.`, ...more];
    return [`No node ${where} yet. To let a machine join: rollcall activation create`];
  }
  const kind = options.deregistered ? 'deregistered' : options.hidden ? 'hidden' : '';
  const lines = [`${items.length} of ${counted(page.Total, `${kind} node`.trim())} ${where}.`, ...more];
  const clones = items.filter((node) => node.CloneSeenAt !== undefined).map((node) => node.InstanceId);
  if (clones.length)
    lines.push(
      `${screen.mark('warning')} Two machines use one identity in turns:`,
      ...clones.slice(0, 3).map((id) => `    ${screen.text(id)}`),
      ...(clones.length > 3 ? [`    and ${clones.length - 3} more`] : []),
    );
  return lines;
}
