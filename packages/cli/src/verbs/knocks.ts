/** `rollcall knocks`: who was turned away at the door, who it said it was, and why. */
import type { KnockRecord, ListKnocksOutput } from '@rollcall/wire';
import { type Command, Option } from 'commander';
import { ask, readCount } from '../ask.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import type { Screen } from '../output/screen.ts';
import { span } from '../output/time.ts';
import { padTo } from '../output/width.ts';
import { readSince } from '../since.ts';
import { listAll, type Wire } from '../wire.ts';

interface Options extends SharedOptions {
  readonly room?: string;
  readonly claim?: string;
  readonly since?: string;
  readonly limit: string;
}
type Knock = Wire<KnockRecord>;

/** Declares `knocks`. */
export function knocks(command: Command, io: Io): void {
  command
    .description('Lists refused and broken connection attempts, latest first.')
    .addOption(
      new Option(
        '--room <room>',
        'known: who it claimed to be is in our books; strangers: all others',
      ).choices(['known', 'strangers', 'stranger']),
    )
    .option('--claim <id>', 'only those that claimed to be this node, activation or key')
    .option('--since <time>', 'only those after 2026-10-02T14:00Z, or within 30m, 24h, 7d')
    .option('--limit <n>', 'at most so many', '50');
  dataOption(regionOption(jsonOption(command)))
    .addHelpText(
      'after',
      `
A knock is folded by source, claim and reason. What it claims isn't proven: it
says who it wanted to be. The layer is how far it came before it ended.`,
    )
    .action((options: Options) => run(options, io));
}

function run(options: Options, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const input = {
      ...(options.room && { Room: options.room.replace(/s$/, '') }),
      ...(options.claim && { Claim: options.claim }),
      ...(options.since && { Since: readSince(options.since, io.now()) }),
    };
    const limit = readCount(options.limit, '--limit');
    const { items, page } = await listAll<Knock, Wire<ListKnocksOutput>>(
      client,
      'ListKnocks',
      input,
      (each) => each.Knocks,
      { limit },
    );
    if (options.json) {
      printJson({ Knocks: items, Total: page.Total });
      return;
    }
    if (page.Total === 0) {
      print('Nobody was turned away.');
      return;
    }
    const widest = Math.max(5, ...items.map((knock) => count(knock).length));
    print(`${padTo('TIMES', widest, 'right')}  ${'LAST'.padEnd(12)}  WHY`);
    for (const knock of items) print(...lines(knock, widest, io.now(), screen));
    print('', `${items.length} of ${counted(page.Total, 'knock')}.`);
  });
}

function count(knock: Knock): string {
  return knock.Count.toLocaleString('en-US');
}

function lines(knock: Knock, widest: number, now: number, screen: Screen): string[] {
  const indent = ' '.repeat(widest + 2);
  const last = `${span(now - knock.LastAt * 1000)} ago`;
  const rows = [
    `${padTo(count(knock), widest, 'right')}  ${padTo(last, 12)}  ${screen.text(knock.Reason, 40)}, at ${screen.text(knock.Layer, 20)}`,
    `${indent}from ${screen.text(knock.Address, 60)}`,
  ];
  if (knock.Claim) {
    const known = knock.Room === 'known' ? 'in our books' : 'unknown here';
    rows.push(`${indent}as ${screen.text(knock.Claim, 52)} (${known})`);
  }
  const client = knock.Client === 'unknown' ? undefined : knock.Client;
  const facts = [
    client && `with ${client}`,
    knock.ServerName && `asked for ${knock.ServerName}`,
    knock.Detail,
  ];
  for (const fact of facts) if (fact) rows.push(`${indent}${screen.text(fact, 80 - indent.length)}`);
  return rows;
}

/** For verbs that say why a node isn't there: the latest knocks under one claim. */
export async function knocksOf(
  client: { call<O>(service: 'rollcall', operation: string, input: object): Promise<O> },
  claim: string,
): Promise<Knock[]> {
  try {
    const page = await client.call<Wire<ListKnocksOutput>>('rollcall', 'ListKnocks', {
      Claim: claim,
      MaxResults: 3,
    });
    return page.Knocks;
  } catch (error) {
    // Who may not read knocks may still wait for a node.
    if (error instanceof Failure) return [];
    throw error;
  }
}
