/** Who can be picked for a document and who can't, with the reason: the picker of AWS's console, in words. */

import type { ListPickableOutput } from '@rollcall/wire';
import { type Asking, ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { nameLines } from '../commands/names.ts';
import { exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { withDocument } from '../near-documents.ts';
import type { SharedOptions } from '../options.ts';
import type { Screen } from '../output/screen.ts';
import { table, wrap } from '../output/table.ts';
import { padTo } from '../output/width.ts';
import { listAll, type Wire } from '../wire.ts';
import { statusWords } from './node-table.ts';

/** Flags of `nodes --for`. */
export interface PickableOptions extends SharedOptions {
  readonly for: string;
  readonly limit?: string;
}
type Page = Wire<ListPickableOutput>;
type PickableNode = Page['Nodes'][number];
type Reason = Page['Reasons'][number];

/** Rows that are listed unless told. */
const usual = 50;

/** Lists them. The exit code is no when nobody can be picked. */
export function listPickable(options: PickableOptions, io: Io): Promise<void> {
  const limit = readCount(options.limit ?? String(usual), '--limit');
  return ask(io, options, async (asking) => {
    const { client, print, printJson } = asking;
    const { items, page } = await withDocument(client, options.for, () =>
      listAll<PickableNode, Page>(
        client,
        'ListPickable',
        { DocumentName: options.for, Which: options.json ? 'all' : 'can' },
        (each) => each.Nodes,
        options.json && options.limit === undefined ? {} : { limit },
      ),
    );
    if (page.CanCount === 0) io.exit(exitCodes.no);
    if (options.json) {
      printJson({ ...page, Nodes: items, NextToken: undefined });
      return;
    }
    print(...wrap(headline(page, asking.screen)));
    print(...canLines(items, page, asking), ...cannotLines(page, asking.screen));
  });
}

function headline(page: Page, screen: Screen): string {
  const name = screen.text(page.Document, 100);
  const on = page.Platforms.length
    ? listed(page.Platforms.map((each) => screen.text(each, 20)))
    : 'no platform';
  const may = page.MaySend ? '' : ' You may not send it to anybody: no policy allows it.';
  return `${name} runs on ${on}.${may}`;
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

function canLines(nodes: readonly PickableNode[], page: Page, { screen, region }: Asking): string[] {
  if (page.Total === 0) return ['', `No node in ${screen.text(region)} yet.`];
  const heading = titled('Can be picked', `${number(page.CanCount)} of ${number(page.Total)}`);
  const rows = nodes.map((node) => [
    node.InstanceId,
    node.Name ?? '',
    [node.PlatformName, node.PlatformVersion].filter(Boolean).join(' '),
    `${statusWords(node.PingStatus)}${node.ChannelOpen ? '' : ', no channel'}`,
  ]);
  // Two columns of indent belong to the page.
  const [, ...lines] = table(
    [{ title: '' }, { title: '', atLeast: 8 }, { title: '', atLeast: 6 }, { title: '' }],
    rows,
    screen,
    78,
  );
  const rest = page.CanCount - nodes.length;
  return [
    '',
    heading,
    ...(rows.length ? lines.map((line) => `  ${line}`) : []),
    ...(rest > 0 ? [`  and ${number(rest)} more: --limit ${page.CanCount}`] : []),
  ];
}

function cannotLines(page: Page, screen: Screen): string[] {
  const here = page.Reasons.filter((each) => each.Reason !== 'region');
  const elsewhere = page.Reasons.filter((each) => each.Reason === 'region' && each.Count > 0);
  const widest = Math.max(...here.map((each) => number(each.Count).length), 1);
  return [
    ...(here.length ? ['', titled("Can't be picked, and why", number(page.Total - page.CanCount))] : []),
    ...here.flatMap((each) => reasonLines(each, widest, screen)),
    ...(elsewhere.length ? ['', 'The list is of one region. There are also:'] : []),
    ...elsewhere.map((each) => {
      const region = screen.text(each.Detail, 63);
      return `  ${number(each.Count)} in ${region}:  rollcall nodes${atData()} --region ${region}`;
    }),
  ];
}

function reasonLines(reason: Reason, widest: number, screen: Screen): string[] {
  const indent = ' '.repeat(widest + 4);
  const detail = reason.Detail ? screen.text(reason.Detail, 120) : '';
  const first = `  ${padTo(number(reason.Count), widest, 'right')}  `;
  const words = wrap(wordsFor(reason.Reason, detail), indent);
  const [example] = reason.Examples;
  const names = reason.Examples.map((each) => each.Name || each.InstanceId);
  const left = reason.Count - names.length;
  return [
    first + (words[0] ?? '').trimStart(),
    ...words.slice(1),
    ...nameLines(names, screen, { indent, rows: 1 }),
    ...(left > 0 ? [`${indent}and ${number(left)} more`] : []),
    ...(example && reason.Reason !== 'platform' && reason.Reason !== 'rights'
      ? [`${indent}rollcall why${atData()} ${screen.text(example.InstanceId)}`]
      : []),
  ];
}

function wordsFor(reason: Reason['Reason'], detail: string): string {
  const more = (before: string) => (detail ? `${before}${detail}` : '');
  switch (reason) {
    case 'platform':
      return `platform${more(': ')}`;
    case 'ping':
      return `not Online${more(': ')}`;
    case 'channel':
      return `Online, but no channel is open: commands would wait${more('; ')}`;
    case 'agent-too-old':
      return `agent too old${more(': ')}`;
    case 'rights':
      return `you may not${more(': ')}`;
    case 'region':
      return `in another region${more(': ')}`;
  }
}

/** A heading with its number at the end of the line. */
function titled(title: string, count: string): string {
  return title + padTo(count, 66 - title.length, 'right');
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
