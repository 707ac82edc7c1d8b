/** What a start says: everything at the first one, little afterwards. */
import { userInfo } from 'node:os';
import path from 'node:path';
import { type Connection, defaultData } from '../context.ts';
import { quote } from '../env/shell.ts';
import type { Io } from '../io.ts';
import { commandLines } from '../output/command.ts';
import type { Screen } from '../output/screen.ts';
import { padTo, widthOf } from '../output/width.ts';
import { isLoopback } from '../url.ts';
import type { LocalNode } from './local-node.ts';
import { machineName, type UpOptions } from './options.ts';
import { type StartFlags, startWordsFor } from './restart.ts';

/** What is known when the server is up. */
export interface WelcomeFacts {
  readonly options: UpOptions;
  readonly connection: Connection;
  readonly node: Pick<LocalNode, 'nodeId' | 'name' | 'status'> | undefined;
  readonly firstStart: boolean;
  /** What this start was given. */
  readonly start: StartFlags;
  readonly version: string;
}

/** The lines to print. */
export function welcome(facts: WelcomeFacts, io: Io, screen: Screen): string[] {
  const { options, connection, node, firstStart } = facts;
  const title = `Rollcall ${facts.version} is up.`;
  const stop = 'Ctrl-C stops it';
  const first = padTo(title, 72 - widthOf(stop)) + stop;
  const urls = options.publicUrls.length ? options.publicUrls : [connection.url];
  const lines = [first, '', ...urls.map((url, index) => `${index ? '          ' : 'Server    '} ${url}`)];
  if (node) lines.push(...nodeLines(node, io, screen));
  if (node && firstStart) lines.push(`           ${commandsRunAs(screen)}`);
  if (!firstStart) return lines;
  const rollcall = command(io);
  const there =
    options.data === defaultData(io)
      ? ''
      : ` --data ${quote(screen.text(shownFolder(options.data, io), 4096), 'sh')}`;
  lines.push(
    `Region     ${options.regions.join(', ').padEnd(22)} Account  ${options.account}`,
    ...dataLines(screen.text(shownFolder(options.data, io), 4096)),
    '',
    'Try it',
    `  ${rollcall} nodes${there}`,
    ...(node ? [`  ${rollcall} run${there} -- uname -a`] : []),
    `  ${rollcall} aws${there} ssm describe-instance-information`,
  );
  if (urls.every(isLoopback)) {
    lines.push(
      '',
      'Another machine can\'t reach "localhost". To let others join:',
      ...commandLines(
        `npm start --${there}${startWordsFor(suggestedUrl(connection.url), facts.start)}`,
        '  ',
      ),
    );
  } else {
    lines.push('', 'To let another machine join:', `  ${rollcall} activation create${there}`);
  }
  return lines;
}

/** A URL that others might reach this machine at, for the sentence that asks for one. */
export function suggestedUrl(url: string): string {
  return `https://${machineName()}:${new URL(url).port || '443'}`;
}

/** The launcher as it is typed from here. */
export function command(io: Io): string {
  return io.cwd === io.root ? './rollcall' : io.launcher;
}

function nodeLines(node: NonNullable<WelcomeFacts['node']>, io: Io, screen: Screen): string[] {
  const line = `This node  ${screen.text(node.nodeId)}   ${screen.text(node.name, 30)}   ${screen.text(node.status)}`;
  if (node.status === 'Online') return [line];
  const next = node.status === 'not in the list' ? `node restore ${node.nodeId}` : `wait ${node.nodeId}`;
  return [line, `           ${command(io)} ${next}`];
}

/** The agent is a child of the server, so commands have its user's rights, no more. */
function commandsRunAs(screen: Screen): string {
  if (process.getuid?.() === 0) return 'commands run as root';
  return `commands run as you${userName(screen)}, not as root`;
}

/** Not every user has a name: in a container it may be a number only. */
function userName(screen: Screen): string {
  try {
    return ` (${screen.text(userInfo().username, 30)})`;
  } catch {
    return '';
  }
}

function shownFolder(folder: string, io: Io): string {
  const relative = path.relative(io.cwd, folder);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? folder : `./${relative}`;
}

function dataLines(folder: string): string[] {
  const promise = 'nothing outside this folder changed';
  if (widthOf(folder) <= 22) return [`Data       ${padTo(folder, 22)} ${promise}`];
  return [`Data       ${folder}`, `           ${promise}`];
}
