/** The list of managed nodes as a table, with how many it shows of how many. */

import type { ListNodesOutput, NodeSummary } from '@rollcall/wire';
import { atData } from '../at-data.ts';
import { hintLines } from '../output/command.ts';
import { counted } from '../output/count.ts';
import type { Screen } from '../output/screen.ts';
import { type Column, table } from '../output/table.ts';
import { localTime, span } from '../output/time.ts';
import type { Wire } from '../wire.ts';

/** A node as it stands in JSON. */
export type Node = Wire<NodeSummary>;
/** A page of them. */
export type NodePage = Wire<ListNodesOutput>;

/** Which nodes were asked for. */
export interface NodeChoice {
  readonly hidden?: boolean;
  readonly deregistered?: boolean;
  readonly name?: string;
}

/** The rows under their titles; nothing when there are none. */
export function nodeTable(nodes: readonly Node[], choice: NodeChoice, now: number, screen: Screen): string[] {
  if (nodes.length === 0) return [];
  const { columns, rows } = choice.deregistered ? tombstones(nodes) : living(nodes, now);
  return table(columns, rows, screen);
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

/** What a node is called: by people, or by itself. */
export function nameOf(node: Pick<Node, 'Name' | 'ComputerName'>): string {
  return node.Name || node.ComputerName || '';
}

/** AWS's state words as people write them. */
export function statusWords(status: string): string {
  return status === 'ConnectionLost' ? 'Connection Lost' : status;
}

/** How many are shown of how many, who isn't shown, and what is odd about them. */
export function nodeFooter(
  items: readonly Node[],
  page: NodePage,
  choice: NodeChoice,
  region: string,
  screen: Screen,
): string[] {
  const where = `in ${screen.text(region)}`;
  const elsewhere = page.HiddenCount > 0 && !choice.hidden && !choice.deregistered;
  const more = elsewhere
    ? hintLines(`${page.HiddenCount} more, lost for 30 days or longer`, `rollcall nodes${atData()} --hidden`)
    : [];
  if (page.Total === 0) {
    if (choice.name) return [`No node is called "${screen.text(choice.name)}" ${where}.`, ...more];
    if (choice.deregistered) return [`No node was deregistered ${where}.`];
    if (choice.hidden) return [`No node was lost for 30 days or longer ${where}.`];
    if (more.length) return [`0 nodes ${where}.`, ...more];
    return hintLines(`No node ${where} yet. To let a machine join`, `rollcall activation create${atData()}`);
  }
  const kind = choice.deregistered ? 'deregistered' : choice.hidden ? 'hidden' : '';
  const lines = [`${items.length} of ${counted(page.Total, `${kind} node`.trim())} ${where}.`, ...more];
  const clones = items.filter((node) => node.CloneSeenAt !== undefined).map((node) => node.InstanceId);
  if (clones.length)
    lines.push(
      `${screen.mark('warning')} Two machines use one identity in turns:`,
      ...clones.slice(0, 3).map((id) => `    ${screen.text(id)}`),
      ...(clones.length > 3 ? [`    and ${clones.length - 3} more`] : []),
    );
  const lost = items.find((node) => node.PingStatus !== 'Online');
  if (lost && !choice.deregistered)
    lines.push(
      ...hintLines("Why one isn't Online", `rollcall why${atData()} ${screen.text(lost.InstanceId)}`),
    );
  return lines;
}
