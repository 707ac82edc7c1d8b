/** `rollcall roster import`: the machines that should be there, from a file that somebody has anyway. */

import type { ImportRosterOutput } from '@rollcall/wire';
import { ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { wrap } from '../output/table.ts';
import type { Wire } from '../wire.ts';
import { type Format, guessFormat, readText, sourceNamed, textMembers } from './read-file.ts';

/** Flags of `roster import`. */
export interface ImportOptions extends SharedOptions {
  readonly format?: Format;
  readonly source?: string;
  readonly expected?: string;
  readonly dryRun?: boolean;
  readonly retireMost?: boolean;
}

/** Sends the file, and says what became of its machines. */
export async function importRoster(file: string, options: ImportOptions, io: Io): Promise<void> {
  const text = await readText(file, io);
  if (text.trim() === '') throw new Failure(`${file === '-' ? 'Standard input' : file} is empty.`);
  const format = options.format ?? guessFormat(file, text);
  if (format === undefined)
    throw new Failure(`What form ${file} has isn't clear. Say it: --format csv, ansible, ec2, hosts or json`);
  const Source = options.source ?? (file === '-' ? undefined : sourceNamed(file));
  if (Source === undefined) throw new Failure('Where is this from? Name the source: --source NAME');
  const input = {
    Source,
    Format: format,
    ...(await textMembers(text)),
    ...(options.expected && { Expected: options.expected }),
    ...(options.dryRun && { DryRun: true }),
    ...(options.retireMost && { RetireMost: true }),
  };
  await ask(io, options, async ({ client, screen, print, printJson }) => {
    const done = await client.call<Wire<ImportRosterOutput>>('rollcall', 'ImportRoster', input, {
      timeout: 120_000,
    });
    if (options.json) {
      printJson({ ...done, Format: format });
      return;
    }
    const source = screen.text(done.Source, 64);
    print(
      `${screen.mark(options.dryRun ? 'skipped' : 'yes')} ${source}: ${counted(done.Machines, 'machine')}, read as ${format}.`,
      ...wrap(changes(done), '    '),
    );
    if (done.Ignored.length)
      print(...wrap(`Said nothing to us: ${screen.text(done.Ignored.join(', '), 300)}`, '    '));
    if (options.dryRun) print('Nothing was changed: --dry-run.');
    else print(`Who of them is missing: rollcall nodes${atData()} --missing`);
  });
}

function changes(done: Wire<ImportRosterOutput>): string {
  const parts = [
    [done.Added, 'new'],
    [done.Changed, 'changed'],
    [done.Returned, 'listed again'],
    [done.Retired, 'not listed any more: retired, not missing'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  return said.length ? `${said.join(', ')}.` : 'As they were.';
}
