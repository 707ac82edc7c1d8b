/** `rollcall documents`: what commands can run. Thin: the server reads, checks and keeps them. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { ServiceError } from '../client.ts';
import { quote } from '../env/shell.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { withDocument } from '../near-documents.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { plainOutput } from '../output/plain.ts';
import { isUtf8 } from '../output/screen.ts';
import { table } from '../output/table.ts';
import { listAll } from '../wire.ts';

interface ListOptions extends SharedOptions {
  readonly mine?: boolean;
  readonly limit: string;
}
interface VersionOptions extends SharedOptions {
  readonly version?: string;
}
interface UpdateOptions extends SharedOptions {
  readonly default?: boolean;
}

/** The members of ListDocuments that the list shows. */
interface DocumentRow {
  readonly Name: string;
  readonly Owner: string;
  readonly DocumentVersion: string;
  readonly PlatformTypes?: readonly string[];
  readonly DocumentFormat?: string;
}
interface Page {
  readonly DocumentIdentifiers: readonly DocumentRow[];
  readonly NextToken?: string;
}
/** The members of CreateDocument's and UpdateDocument's answer that are looked at. */
interface Described {
  readonly DocumentDescription: {
    readonly DocumentVersion: string;
    readonly DefaultVersion: string;
    readonly PlatformTypes?: readonly string[];
  };
}

/** Declares `documents`. */
export function documents(command: Command, io: Io): void {
  command.description('The documents that commands run: the built-in ones and your own.');
  const add = (usage: string, description: string) =>
    dataOption(regionOption(command.command(usage).description(description)));
  jsonOption(add('list', 'list them'))
    .option('--mine', 'without the built-in ones')
    .option('--limit <n>', 'at most so many', '200')
    .action((options: ListOptions) => list(options, io));
  jsonOption(add('show <name>', 'print the content of one'))
    .option('--version <n>', 'not its default version')
    .action((name: string, options: VersionOptions) => show(name, options, io));
  add('create <name> <file>', 'make one of a file (JSON or YAML); - reads standard input').action(
    (name: string, file: string, options: SharedOptions) => create(name, file, options, io),
  );
  add('update <name> <file>', 'make a new version of one; - reads standard input')
    .option('--default', 'commands run it from now on')
    .action((name: string, file: string, options: UpdateOptions) => update(name, file, options, io));
  add('default <name> <version>', 'say which version commands run').action(
    (name: string, version: string, options: SharedOptions) => makeDefault(name, version, options, io),
  );
  add('delete <name>', 'delete one, with all its versions')
    .option('--version <n>', 'only this version')
    .action((name: string, options: VersionOptions) => remove(name, options, io));
}

function list(options: ListOptions, io: Io): Promise<void> {
  const limit = readCount(options.limit, '--limit');
  return ask(io, options, async ({ client, screen, region, print, printJson }) => {
    const { items, more } = await listAll<DocumentRow, Page>(
      client,
      'ListDocuments',
      options.mine ? { Filters: [{ Key: 'Owner', Values: ['Self'] }] } : {},
      (page) => page.DocumentIdentifiers,
      { service: 'ssm', pageSize: 50, limit },
    );
    if (options.json) {
      printJson({ DocumentIdentifiers: items });
      return;
    }
    if (items.length) {
      const columns = [
        { title: 'NAME' },
        { title: 'VERSION', align: 'right' as const },
        { title: 'FORMAT' },
        { title: 'OWNER', atLeast: 8 },
        { title: 'RUNS ON', atLeast: 8 },
      ];
      const rows = items.map((each) => [
        each.Name,
        each.DocumentVersion,
        each.DocumentFormat ?? '',
        each.Owner,
        (each.PlatformTypes ?? []).join(', '),
      ]);
      print(...table(columns, rows, screen), '');
    }
    const rest = more ? `; there are more: --limit ${items.length * 10}` : ', which is all';
    print(
      items.length
        ? `${counted(items.length, 'document')} in ${screen.text(region)}${rest}.`
        : `None of your own in ${screen.text(region)} yet: rollcall documents create${atData()} NAME FILE`,
    );
  });
}

function show(Name: string, options: VersionOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, printJson }) => {
    const which = { Name, ...(options.version !== undefined && { DocumentVersion: options.version }) };
    // Unless told, GetDocument makes JSON of it: here it is to come out as it was written.
    const { Document } = await withDocument(client, Name, () =>
      client.call<{ Document: { DocumentFormat: string } }>('ssm', 'DescribeDocument', which),
    );
    const { DocumentFormat } = Document;
    const answer = await client.call<{ Content: string }>('ssm', 'GetDocument', { ...which, DocumentFormat });
    if (options.json) {
      printJson(answer);
      return;
    }
    const content = plainOutput(answer.Content, { ascii: io.stdout.isTTY && !isUtf8(io.env) });
    io.stdout.write(content.endsWith('\n') ? content : `${content}\n`);
  });
}

async function create(Name: string, file: string, options: SharedOptions, io: Io): Promise<void> {
  const content = await readDocument(file, io);
  await ask(io, options, async ({ client, screen, print }) => {
    const input = { Name, ...content, DocumentType: 'Command' };
    const { DocumentDescription: made } = await client
      .call<Described>('ssm', 'CreateDocument', input)
      .catch((error: unknown) => {
        if (!(error instanceof ServiceError) || error.code !== 'DocumentAlreadyExists') throw error;
        const next = `For a new version of it: rollcall documents update${atData()} ${quote(Name, 'sh')} ${quote(file, 'sh')}`;
        throw new Failure(`${error.message}. ${next}`, error.exitCode, { cause: error });
      });
    const platforms = (made.PlatformTypes ?? []).join(', ');
    print(
      `${screen.mark('yes')} ${screen.text(Name)} is there${platforms ? `, for ${screen.text(platforms)}` : ''}.`,
      `    rollcall run${atData()} ${screen.text(Name)} NODE`,
    );
  });
}

async function update(Name: string, file: string, options: UpdateOptions, io: Io): Promise<void> {
  const content = await readDocument(file, io);
  await ask(io, options, async ({ client, screen, print }) => {
    const input = { Name, ...content, DocumentVersion: '$LATEST' };
    const { DocumentDescription: made } = await client.call<Described>('ssm', 'UpdateDocument', input);
    const version = made.DocumentVersion;
    if (options.default)
      await client.call('ssm', 'UpdateDocumentDefaultVersion', { Name, DocumentVersion: version });
    print(`${screen.mark('yes')} ${screen.text(Name)} has version ${screen.text(version)}.`);
    if (options.default) print('    Commands run it from now on.');
    else
      print(
        `    Commands still run version ${screen.text(made.DefaultVersion)}. To change that:`,
        `    rollcall documents default${atData()} ${screen.text(Name)} ${screen.text(version)}`,
      );
  });
}

function makeDefault(Name: string, version: string, options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    await client.call('ssm', 'UpdateDocumentDefaultVersion', { Name, DocumentVersion: version });
    print(`${screen.mark('yes')} Commands run version ${screen.text(version)} of ${screen.text(Name)}.`);
  });
}

function remove(Name: string, options: VersionOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    const DocumentVersion = options.version;
    await client.call('ssm', 'DeleteDocument', {
      Name,
      ...(DocumentVersion !== undefined && { DocumentVersion }),
    });
    const what = DocumentVersion === undefined ? '' : `Version ${screen.text(DocumentVersion)} of `;
    print(`${screen.mark('yes')} ${what}${screen.text(Name)} is gone.`);
  });
}

async function readDocument(file: string, io: Io): Promise<{ Content: string; DocumentFormat: string }> {
  const Content = file === '-' ? await readStream(io.stdin) : readFile(path.resolve(io.cwd, file));
  const isJson = /\.json$/i.test(file) || (!/\.ya?ml$/i.test(file) && /^\s*\{/.test(Content));
  return { Content, DocumentFormat: isJson ? 'JSON' : 'YAML' };
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Failure(
      missing ? `There is no file ${file}.` : `The document can't be read: ${(error as Error).message}`,
    );
  }
}
