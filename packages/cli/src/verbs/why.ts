/** `rollcall why`: why a machine is, or isn't, in the list of managed nodes. */

import type { GetServerInfoOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { ServiceError } from '../client.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Language, languageOption } from '../language.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { plain } from '../output/plain.ts';
import { isLoopback } from '../url.ts';

interface Options extends SharedOptions {
  readonly all?: boolean;
  readonly for?: string;
  readonly via?: string;
  readonly sudo?: boolean;
  readonly evidence?: string;
  readonly lang?: Language;
  readonly verbose?: boolean;
}

/** Declares `why`. */
export function why(command: Command, io: Io): void {
  command
    .description(
      "Says why a machine is, or isn't, in the list of managed nodes: the first\nbroken link, what proves it, and what mends it.",
    )
    .argument('[machine]', 'a node id, a name, an address, or SOURCE/KEY of the roster')
    .option('--all', 'of everybody who should be there: grouped by cause')
    .option('--for <document>', 'can it be picked for this document?')
    .option('--via <ssh>', 'look at it from inside as well: ssh://USER@HOST[:PORT]')
    .option('--sudo', 'with --via: look as root there, by sudo -n')
    .option(
      '--evidence <file>',
      'judge this as well: a block of rollcall collect, or a\nbundle of rollcall doctor; - is stdin',
    )
    .option('-v, --verbose', 'every gate, with all that was seen');
  languageOption(command);
  dataOption(regionOption(jsonOption(command)))
    .addHelpText(
      'after',
      `
For example:
  rollcall why web-07
  rollcall why web-07 --via ssh://kenji@web-07 --sudo
  rollcall collect | ssh web-07 sudo sh | rollcall why web-07 --evidence -
  rollcall why web-07 --for AWS-RunShellScript
  rollcall why --all

Exit codes: 0 it is in the list, can be picked and works (with --for: can be
picked; with --all: so it is for everybody), 1 it isn't so, 2 nobody can tell.
On the machine itself: rollcall doctor`,
    )
    .action((machine: string | undefined, options: Options) => run(machine, options, io));
}

async function run(machine: string | undefined, options: Options, io: Io): Promise<void> {
  const one = ['for', 'via', 'evidence'] as const;
  if (options.all) {
    const wrong = machine ?? one.map((name) => options[name] && `--${name}`).find(Boolean);
    if (wrong) throw new Failure(`--all is about everybody. Leave out it or ${plain(wrong, { limit: 60 })}.`);
    return (await import('../why/all.ts')).askWhyAll(options, io);
  }
  if (options.via !== undefined && options.evidence !== undefined)
    throw new Failure('--via and --evidence are two ways to see one machine. Give one.');
  if (options.sudo && options.via === undefined) throw new Failure('--sudo goes with --via.');
  if (machine === undefined && options.via === undefined && options.evidence === undefined)
    throw new Failure('Why which machine? An id, a name or an address; or --all for everybody.');
  const { gatherEvidence } = await import('../why/gather.ts');
  const server = options.via === undefined ? undefined : await publicUrl(options, io);
  const seen = await gatherEvidence({ ...options, server }, io);
  const subject = machine ?? seen?.subject;
  if (subject === undefined)
    throw new Failure(
      `The evidence doesn't say of which machine it is. Name it: rollcall why${atData()} MACHINE ...`,
    );
  const { askWhy } = await import('../why/subject.ts');
  await askWhy({ ...options, subject, document: options.for, evidence: seen?.json }, io);
}

/** As other machines reach the server. Nobody needs it to ask why. */
async function publicUrl(options: Options, io: Io): Promise<string | undefined> {
  let found: string | undefined;
  await ask(io, options, async ({ client }) => {
    const info = await client.call<Pick<GetServerInfoOutput, 'PublicUrls'>>('rollcall', 'GetServerInfo', {});
    found = info.PublicUrls.find((url) => !isLoopback(url));
  }).catch((error: unknown) => {
    if (!(error instanceof ServiceError)) throw error;
  });
  return found;
}
