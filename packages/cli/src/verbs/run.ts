/** `rollcall run`: a shell line or a document, on the nodes that are named, and what came of it. */

import { type Command, Option } from 'commander';
import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { ServiceError } from '../client.ts';
import { withAway } from '../commands/live.ts';
import { nameLines, tellingNames } from '../commands/names.ts';
import { canAsk, confirm } from '../commands/question.ts';
import { readSend, type SendInput, type SendOptions } from '../commands/request.ts';
import { exitCodeOf, showCommand } from '../commands/show.ts';
import {
  everyNode,
  findNamed,
  isExact,
  type Preview,
  preview,
  requestFor,
  type TargetRequest,
} from '../commands/targets.ts';
import { readSentence, type Sentence, splitAtDashes } from '../commands/words.ts';
import { resolveFolder } from '../context.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { didYouMean } from '../near-documents.ts';
import { dataOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { plainJson } from '../output/plain.ts';
import { type Screen, screenOf } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { timeNames, withUtcTimes } from '../wire.ts';

interface Options extends SharedOptions, SendOptions {
  readonly all?: boolean;
  readonly document?: string;
  readonly yes?: boolean;
  readonly wait: boolean;
  readonly output?: boolean;
  readonly save?: string;
}

/** More nodes than this are asked about first. */
const unasked = 20;

const collect = (value: string, before: string[] = []) => [...before, value];

/** Declares `run`. */
export function run(command: Command, io: Io, args: readonly string[]): void {
  command
    .usage('[options] [nodes...] -- SHELL WORDS\n       rollcall run [options] DOCUMENT [nodes...]')
    .description('Runs a shell line or a document on nodes, and shows what came of it.')
    .argument('[words...]', 'ids, names, web-*, tags as env=prod; and the document')
    .option('--all', 'on every node of the region')
    .option('--document <name>', 'the document, when a word could be taken for it')
    .option('--document-version <n>', 'not its default version')
    .option('--param <name=value>', 'a parameter of the document; repeat it for a list', collect)
    .option('--dir <folder>', 'run in this folder of the node')
    .option('--time-limit <time>', 'how long it may run there, as 90 or 10m (1 h)')
    .option('--timeout <time>', 'how long it waits for nodes that are away (1 h)')
    .addOption(rate('--concurrency <n|n%>', 'on so many nodes at the same time', 'all'))
    .addOption(rate('--max-errors <n|n%>', 'after more failures than that start no more', 'go on'))
    .option('--comment <text>', 'kept with the command')
    .option('--yes', `don't ask, not even before more than ${unasked} nodes`)
    .option('--no-wait', 'send it, print its id, and end')
    .option('--output', 'show whole outputs, not only their beginnings')
    .option('--save <dir>', 'write each output, whole, into a file there')
    .option('--s3-bucket <name>', 'agents put whole outputs into this bucket as well')
    .option('--s3-prefix <prefix>', 'under this name in it');
  dataOption(regionOption(command))
    .option('--json', 'a line of JSON for each node as it ends, then one for the command')
    .addHelpText('after', help)
    .action((operands: string[], options: Options) => {
      const spoken = splitAtDashes(args, operands);
      const { all = false, document } = options;
      return send(readSentence({ ...spoken, all, document }), options, io);
    });
}

function rate(flags: string, description: string, said: string): Option {
  return new Option(flags, description).default('100%', said);
}

const help = `
For example:
  rollcall run -- uname -a                         the only node there is
  rollcall run 'web-*' -- systemctl is-active nginx
  rollcall run env=prod role=web -- 'df -h / | tail -1'
  rollcall run AWS-RunRemoteScript --all --param sourceType=HTTP ...

Nodes: ids and names add up, tags narrow down: 'web-*' env=prod is those called
web-... that have the tag. env=prod,test is either value, env=* any. In names *
stands for anything; quote it, or the shell looks for files.

After --, one word is a line for the node's shell, with pipes and variables.
Several are a program and its arguments, which get there as they are here.

A command goes to all its nodes at once and stops for no failure; AWS's own
defaults are --concurrency 50 --max-errors 0.

One node's output goes to standard output, its errors to standard error. Of
several, equal outputs are shown once. --json prints a line for each node as it
ends (InstanceId, Status, Steps ...) and at last one for the command (Status,
TargetCount, SuccessCount ...).

Exit codes: 0 Success on every node, 1 not on every node, 2 wrong use or nothing
was sent, 130 stopped watching with Ctrl-C (the command goes on).`;

async function send(sentence: Sentence, options: Options, io: Io): Promise<void> {
  const input = readSend(sentence, options);
  await ask(io, options, async (asking) => {
    const screen = screenOf({ env: io.env, stdout: io.stderr });
    const sent = await sendOrSayWhy(asking, sentence, input, options, screen, io);
    if (!sent) {
      io.exit(exitCodes.unable);
      return;
    }
    const { commandId, found } = sent;
    if (!options.wait) {
      printSent(asking, commandId, found, options);
      return;
    }
    if (found.Total > 1 && io.stderr.isTTY)
      io.stderr.write(`Command ${screen.text(commandId)}, to ${counted(found.Total, 'node')}\n`);
    const shown = await showCommand(asking, io, {
      commandId,
      away: found.Away,
      begins: beginning(found, screen),
      json: options.json ?? false,
      whole: options.output ?? false,
      save: options.save === undefined ? undefined : resolveFolder(options.save, io),
    });
    io.exit(exitCodeOf(shown));
  });
}

/** What is known before anything has come back. */
function beginning(found: Preview, screen: Screen): string {
  const [only] = found.Nodes;
  if (found.Total === 1 && only) {
    const name = screen.text(only.Name || only.InstanceId, 40);
    return found.Away ? `${name} is away: it gets the command when it is back` : `waiting for ${name}`;
  }
  return withAway(`0 of ${found.Total.toLocaleString('en-US')}`, found.Away);
}

interface Sent {
  readonly commandId: string;
  readonly found: Preview;
}

/** Sends it; undefined when a person was asked and said no. Every refusal here means that nothing was sent. */
async function sendOrSayWhy(
  asking: Asking,
  sentence: Sentence,
  input: SendInput,
  options: Options,
  screen: Screen,
  io: Io,
): Promise<Sent | undefined> {
  const { client } = asking;
  try {
    const request = await targetsOf(asking, sentence);
    const found = await preview(client, request, input.DocumentName, input.DocumentVersion);
    refuseNobody(found, sentence, asking);
    const sayWhich = !sentence.nodes || (found.Total === 1 && !isExact(sentence.nodes));
    const [only] = found.Nodes;
    if (sayWhich && only && !options.json)
      io.stderr.write(`On ${[only.Name, only.InstanceId]
        .map((each) => screen.text(each, 40))
        .filter(Boolean)
        .join('  ')}
`);
    if (!(await agreed(found, input, options, screen, io))) return undefined;
    const answer = await client.call<{ Command: { CommandId: string } }>('ssm', 'SendCommand', {
      ...input,
      ...request,
    });
    return { commandId: answer.Command.CommandId, found };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const near = error.code === 'InvalidDocument' ? await didYouMean(client, input.DocumentName) : '';
    const next = near === '' ? nextAfter(error, sentence) : `.${near}${hintFor(sentence)}`;
    throw new Failure(`${error.message}${next}`, exitCodes.unable, { cause: error });
  }
}

/** The nodes that were named; when none was, the only one there is. */
async function targetsOf({ client, region }: Asking, sentence: Sentence): Promise<TargetRequest> {
  const { nodes } = sentence;
  if (nodes) return requestFor(nodes, await findNamed(client, nodes.names, region, hintFor(sentence)));
  const everybody = await preview(client, everyNode);
  const [only] = everybody.Nodes;
  if (only && everybody.Total === 1) return { InstanceIds: [only.InstanceId] };
  if (!only)
    throw new Failure(`No node in ${region} yet. To let one join: rollcall activation create${atData()}`);
  const names = tellingNames(everybody.Nodes).slice(0, 3);
  throw new Failure(
    `On which nodes? There are ${everybody.Total.toLocaleString('en-US')} in ${region}: ${names.join(', ')}${everybody.Total > names.length ? ' …' : ''}. Name some before --, or say --all.`,
  );
}

function refuseNobody(found: Preview, { nodes, document }: Sentence, { region }: Asking): void {
  if (found.Total === 0)
    throw new Failure(
      `No node in ${region} fits "${nodes?.said}". Which there are: rollcall nodes${atData()}`,
    );
  const unfit = unsuitable(found);
  // Nodes that were named one by one are refused by the server, which says more about each.
  if (unfit < found.Total || !nodes || isExact(nodes)) return;
  const why = found.Unsuitable.map((each) => each.StatusDetails).join(', ');
  throw new Failure(
    `Of the nodes that fit "${nodes.said}" (${found.Total}), none can run ${document}: ${why}. Documents and their platforms: rollcall documents list${atData()}`,
  );
}

function unsuitable(found: Preview): number {
  return found.Unsuitable.reduce((sum, each) => sum + each.Count, 0);
}

/** Asks before many nodes, when there is somebody to ask. */
async function agreed(
  found: Preview,
  input: SendInput,
  options: Options,
  screen: Screen,
  io: Io,
): Promise<boolean> {
  if (found.Total <= unasked || options.yes) return true;
  if (!canAsk(io))
    throw new Failure(
      `That is ${counted(found.Total, 'node')}, and nobody here to ask. If it is meant: --yes`,
    );
  const shown = nameLines(tellingNames(found.Nodes), screen, { more: found.Total - found.Nodes.length });
  const away = found.Away ? [`${counted(found.Away, 'node')} away now: they get it when they are back`] : [];
  const unfit = found.Unsuitable.map(
    (each) => `${counted(each.Count, 'node')} can't run it: ${screen.text(each.StatusDetails, 40)}`,
  );
  const rates = `${sayRate(input.MaxConcurrency, 'at once')}, ${sayErrors(input.MaxErrors)}`;
  io.stderr.write(
    `${[
      `${screen.text(input.DocumentName, 60)} on ${counted(found.Total, 'node')}:`,
      ...shown,
      ...(input.Parameters?.commands ?? []).flatMap((line) => ['', `  ${screen.text(line, 76)}`, '']),
      ...[...unfit, ...away, rates].flatMap((line) => wrap(line, '  ')),
    ].join('\n')}\n`,
  );
  if (await confirm('Go on?', io)) return true;
  io.stderr.write('Nothing was sent.\n');
  return false;
}

function sayRate(rate: string, what: string): string {
  return rate === '100%' ? `all ${what}` : `${rate} ${what}`;
}

function sayErrors(rate: string): string {
  if (rate === '100%') return 'and on to the end, whatever fails';
  return `until ${rate === '0' || rate === '0%' ? 'one fails' : `more than ${rate} have failed`}`;
}

function printSent({ print, screen }: Asking, commandId: string, found: Preview, options: Options): void {
  if (options.json) {
    print(plainJson(withUtcTimes({ CommandId: commandId, TargetCount: found.Total }, timeNames), 0));
    return;
  }
  const id = screen.text(commandId);
  print(
    `${screen.mark('yes')} Sent to ${counted(found.Total, 'node')}: ${id}`,
    `    rollcall commands${atData()} ${id} --wait`,
  );
}

function nextAfter({ code, message }: ServiceError, sentence: Sentence): string {
  if (code === 'InvalidDocument')
    return `. Documents: rollcall documents list${atData()}${hintFor(sentence)}`;
  const [, missing] = /^Parameter (\w+) must be given/.exec(message) ?? [];
  return missing === undefined ? '' : `. As in: --param ${missing}='...'`;
}

/** What may have been meant by words that are no document, or no nodes. */
function hintFor({ asShell }: Sentence): string {
  return asShell === undefined ? '' : `. Shell words stand after --: ${asShell}`;
}
