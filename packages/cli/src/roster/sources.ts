/** `rollcall roster source`: places that the server itself reads the roster from, on a schedule. */

import type { DeleteRosterSourceOutput, ListRosterSourcesOutput, RosterSource } from '@rollcall/wire';
import { type Asking, ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { wrap } from '../output/table.ts';
import { parseSpan, span } from '../output/time.ts';
import { padTo } from '../output/width.ts';
import type { Wire } from '../wire.ts';
import { type Format, readText } from './read-file.ts';

/** Flags of `roster source add`. */
export interface SourceOptions extends SharedOptions {
  readonly format?: Format;
  readonly every?: string;
  readonly authorizationFile?: string;
}

/** Makes a source, or changes one of the same name. */
export async function addSource(name: string, url: string, options: SourceOptions, io: Io): Promise<void> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Failure(`The URL must begin with https:// or http://, not "${url}".`);
  if (new URL(url).password !== '')
    throw new Failure('A password in the URL would be shown in lists. Use --authorization-file.');
  const authorization =
    options.authorizationFile === undefined
      ? undefined
      : (await readText(options.authorizationFile, io)).trim();
  if (authorization === '') throw new Failure(`${options.authorizationFile} is empty.`);
  const minutes = options.every === undefined ? undefined : readMinutes(options.every);
  await ask(io, options, async ({ client, screen, print }) => {
    await client.call('rollcall', 'PutRosterSource', {
      Source: name,
      Url: url,
      ...(options.format && { Format: options.format }),
      ...(minutes !== undefined && { IntervalMinutes: minutes }),
      ...(authorization !== undefined && { Authorization: authorization }),
    });
    print(
      `${screen.mark('yes')} ${screen.text(name, 64)} is read by the server from now on.`,
      `    What came of it: rollcall roster source list${atData()}`,
    );
    if (new URL(url).protocol === 'http:' && authorization !== undefined)
      print(`${screen.mark('warning')} http:// sends the authorization so that others can read it.`);
  });
}

function readMinutes(text: string): number {
  const ms = parseSpan(text);
  if (ms !== undefined) return Math.max(1, Math.round(ms / 60_000));
  return readCount(text, '--every', 1440);
}

/** Lists them: how many machines each has, and since when it can't be read. */
export function listSources(options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async (asking) => {
    const { client, print, printJson } = asking;
    const answer = await client.call<Wire<ListRosterSourcesOutput>>('rollcall', 'ListRosterSources', {});
    if (options.json) {
      printJson(answer);
      return;
    }
    for (const source of answer.Sources) print(...sourceLines(source, asking, io.now()));
    print(
      ...(answer.Sources.length
        ? ['', `${counted(answer.Sources.length, 'source')}.`]
        : ['The roster has no source yet. To give it one:', `  rollcall roster import${atData()} FILE`]),
    );
  });
}

function sourceLines(source: Wire<RosterSource>, { screen }: Asking, now: number): string[] {
  const ago = (at: number) => `${span(now - at * 1000)} ago`;
  const retired = source.Retired > 0 ? `, ${source.Retired} retired` : '';
  const machines = `${counted(source.Machines, 'machine')}${retired}`;
  const read = source.ReadAt === undefined ? 'never read' : `read ${ago(source.ReadAt)}`;
  const every = source.IntervalMinutes === undefined ? '' : `, every ${source.IntervalMinutes} min`;
  const mark = screen.mark(source.Error === undefined ? 'yes' : 'no');
  return [
    `${mark} ${padTo(screen.text(source.Source, 30), 20)} ${machines}, ${read}`,
    `    ${screen.text(source.Format, 10)}${every}${source.Url === undefined ? ', from a file' : ''}`,
    ...(source.Url === undefined ? [] : [`    ${screen.text(source.Url, 2048)}`]),
    ...(source.Error === undefined
      ? []
      : wrap(
          `can't be read${source.FailingSince === undefined ? '' : `, first ${ago(source.FailingSince)}`}: ${screen.text(source.Error, 300)}`,
          '    ',
        )),
  ];
}

/** Forgets a source with all its machines. */
export function removeSource(name: string, options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    const gone = await client.call<Wire<DeleteRosterSourceOutput>>('rollcall', 'DeleteRosterSource', {
      Source: name,
    });
    print(
      `${screen.mark('yes')} ${screen.text(name, 64)} is gone from the roster, with ${counted(gone.Machines, 'machine')}.`,
    );
  });
}
