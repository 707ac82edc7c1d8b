/** `rollcall commands`: what was sent, and what came of it. */

import type { Command } from 'commander';
import { type Asking, ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { findCommand, listCommands, type SentCommand } from '../commands/history.ts';
import { readInvocation } from '../commands/invocation.ts';
import { exitCodeOf, showCommand } from '../commands/show.ts';
import { printSingle } from '../commands/single.ts';
import { unfinishedLines } from '../commands/unfinished.ts';
import { makeFolder, saveOutput, withWholeOutput } from '../commands/whole-output.ts';
import { resolveFolder } from '../context.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { resolveNode } from '../nodes.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { wrap } from '../output/table.ts';
import { localTime, utcTime } from '../output/time.ts';
import { cutTo } from '../output/width.ts';
import { readSince } from '../since.ts';

interface Options extends SharedOptions {
  readonly status?: string;
  readonly since?: string;
  readonly node?: string;
  readonly document?: string;
  readonly limit?: string;
  readonly wait?: boolean;
  readonly output?: boolean;
  readonly save?: string;
}

/** Declares `commands`. */
export function commands(command: Command, io: Io): void {
  command
    .description('Lists the commands that were sent; with an id, shows what came of one.')
    .argument('[id]', 'a command: its nodes, grouped by equal output')
    .option('--status <word>', 'list only those that are Pending, InProgress, Success, Failed ...')
    .option('--since <time>', 'list only those after 2026-10-02T14:00Z, or within 30m, 24h, 7d')
    .option('--document <name>', 'list only those that ran this document')
    .option('--limit <n>', 'list at most so many (20)')
    .option('--node <node>', 'list those sent to it; with an id, only what came of it there')
    .option('--wait', 'with an id: until it has ended everywhere')
    .option('--output', 'with an id: whole outputs, not only their beginnings')
    .option('--save <dir>', 'with an id: write each output, whole, into a file there');
  dataOption(regionOption(jsonOption(command)))
    .addHelpText(
      'after',
      `
The words for how a command stands are AWS's. With an id, --json prints a line
for each node on which it has ended, then one for the command, as rollcall run
does. With --wait the exit code is that of rollcall run.`,
    )
    .action((id: string | undefined, options: Options) => {
      if (id === undefined) return list(options, io);
      return one(readCommandId(id), options, io);
    });
}

/** A command's id, as it was typed. */
export function readCommandId(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new Failure(`"${text}" is no command's id. They are in: rollcall commands${atData()}`);
}

function list(options: Options, io: Io): Promise<void> {
  const wrong = (['wait', 'output', 'save'] as const).find((name) => options[name] !== undefined);
  if (wrong) throw new Failure(`--${wrong} is about one command: rollcall commands${atData()} ID --${wrong}`);
  const limit = readCount(options.limit ?? '20', '--limit');
  const filters = [
    ['Status', options.status],
    ['DocumentName', options.document],
    ['InvokedAfter', options.since && utcTime(readSince(options.since, io.now()) * 1000)],
  ] as const;
  const Filters = filters.flatMap(([key, value]) => (value ? [{ key, value }] : []));
  return ask(io, options, async (asking) => {
    const InstanceId = options.node && (await resolveNode(asking.client, options.node));
    const input = { ...(InstanceId && { InstanceId }), ...(Filters.length && { Filters }) };
    await listCommands(asking, input, limit, options.json ?? false);
  });
}

function one(id: string, options: Options, io: Io): Promise<void> {
  const wrong = (['status', 'since', 'document', 'limit'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (wrong) throw new Failure(`--${wrong} is about the list: leave out it or the command's id.`);
  if (options.node && options.wait)
    throw new Failure('--wait is about all nodes of the command: leave out it or --node.');
  return ask(io, options, async (asking) => {
    const save = options.save === undefined ? undefined : resolveFolder(options.save, io);
    if (options.node) return onNode(asking, id, options.node, { ...options, save }, io);
    const sent = await findCommand(asking, id);
    if (!sent)
      throw new Failure(
        `There is no command ${id} in ${asking.region}. All: rollcall commands${atData()}`,
        exitCodes.no,
      );
    const { print, screen, client } = asking;
    if (!options.json && !options.wait) print(...heading(sent, asking), '');
    const shown = await showCommand(asking, io, {
      commandId: id,
      json: options.json ?? false,
      whole: options.output ?? false,
      save,
      once: !options.wait,
    });
    if (options.wait) io.exit(exitCodeOf(shown));
    else if (!options.json && sent.CompletedCount < sent.TargetCount) {
      print('', ...(await unfinishedLines(client, id, screen)));
      print('To wait for them:', `  rollcall commands${atData()} ${id} --wait`);
    }
  });
}

function heading(sent: SentCommand, { screen }: Asking): string[] {
  const lines = (sent.Parameters?.commands ?? []).map((line) => `    ${screen.text(line, 2000)}`);
  return [
    cutTo(
      `${screen.text(sent.DocumentName, 40)}  ${localTime(sent.RequestedDateTime * 1000)}  ${screen.text(sent.StatusDetails || sent.Status, 24)}`,
      80,
      screen.ellipsis,
    ),
    ...(sent.Comment ? wrap(screen.text(sent.Comment, 200)) : []),
    ...lines,
  ];
}

/** What came of it on one node, as if it had run here. */
async function onNode(
  asking: Asking,
  id: string,
  typed: string,
  options: Omit<Options, 'save'> & { readonly save: string | undefined },
  io: Io,
): Promise<void> {
  const { client, screen, printJson } = asking;
  const { over, invocation } = await readInvocation(client, id, await resolveNode(client, typed));
  if (options.save) {
    await makeFolder(options.save);
    const files = await saveOutput(client, id, invocation, options.save);
    io.stderr.write(`${counted(files, 'file')} in ${screen.text(options.save, 4096)}\n`);
    if (over && !options.output && !options.json) return;
  }
  const shown = options.output ? await withWholeOutput(client, id, invocation) : invocation;
  if (options.json) printJson({ CommandId: id, ...shown });
  else if (over) printSingle(shown, id, io);
  else
    io.stderr.write(
      `${screen.mark('skipped')} ${screen.text(shown.StatusDetails, 40)}: it has not ended there.\n    rollcall commands${atData()} ${id} --wait\n`,
    );
}
