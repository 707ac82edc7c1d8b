/** From an argument list to a verb, and from whatever a verb throws to one line and an exit code. */
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { rememberData } from './at-data.ts';
import { exitCodes, Failure } from './failure.ts';
import type { Io } from './io.ts';
import { nearest } from './near.ts';
import { errorLines } from './output/error-lines.ts';
import { plain } from './output/plain.ts';
import type { Verb } from './verb.ts';

/** Runs the verb that `args` name; never throws, and never prints a stack unless `ROLLCALL_DEBUG` is set. */
export async function run(verbs: readonly Verb[], args: readonly string[], io: Io): Promise<void> {
  rememberData(args);
  try {
    await dispatch(verbs, args, io);
  } catch (error) {
    if (error instanceof CommanderError) {
      io.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.unable);
      return;
    }
    const failure = error instanceof Failure ? error : unexpected(error);
    io.stderr.write(`${errorLines(failure.message).join('\n')}\n`);
    if (io.env.ROLLCALL_DEBUG) io.stderr.write(`${inspect(error)}\n`);
    io.exit(failure.exitCode);
  }
}

async function dispatch(verbs: readonly Verb[], args: readonly string[], io: Io): Promise<void> {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && !second)) {
    io.stdout.write(overview(verbs));
    if (first === undefined) io.exit(exitCodes.unable);
    return;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    const { version } = await import('./version.ts');
    io.stdout.write(`Rollcall ${version()}, Node ${process.versions.node}\n`);
    return;
  }
  const asksHelp = first === 'help';
  const name = asksHelp ? second : first;
  const verb = verbs.find((candidate) => candidate.name === name);
  if (!verb) {
    const near = nearest(
      verbs.map((candidate) => candidate.name),
      name ?? '',
    );
    throw new Failure(
      `rollcall: there is no "${plain(name ?? '', { limit: 40 })}". ${near ? `Did you mean "${near}"? ` : ''}All verbs: rollcall --help`,
    );
  }
  const command = new Command(`rollcall ${verb.name}`);
  command.helpOption('-h, --help', 'show this');
  const typed = asksHelp ? [...args.slice(2), '--help'] : args.slice(1);
  (await verb.load())(command, io, typed);
  prepare(command, io);
  await command.parseAsync(typed, { from: 'user' });
}

/** Sub-verbs inherit what the verb itself gets: our streams, our width, our way of ending. */
function prepare(command: Command, io: Io): void {
  command.exitOverride();
  command.configureHelp({ helpWidth: 80 });
  command.helpCommand(false);
  command.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    getOutHelpWidth: () => 80,
    getErrHelpWidth: () => 80,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    outputError: (text, write) => {
      const said = text
        .replace(/^error: /, '')
        .trim()
        .replaceAll('\n', ' ')
        .replace(/\.$/, '');
      const line = `${fullName(command)}: ${said}. See ${fullName(command)} --help`;
      write(`${errorLines(line).join('\n')}\n`);
    },
  });
  for (const child of command.commands) prepare(child, io);
}

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function overview(verbs: readonly Verb[]): string {
  const groups = [...new Set(verbs.map((verb) => verb.group))];
  const lines = groups.flatMap((group) => [
    `${group}`,
    ...verbs
      .filter((verb) => verb.group === group)
      .map((verb) => `  ${verb.name.padEnd(13)} ${verb.summary}`),
    '',
  ]);
  return [
    'Rollcall: the Systems Manager you run yourself. Every machine accounted for.',
    '',
    'Usage: rollcall VERB [ARGUMENTS]        each verb explains itself with --help',
    '',
    ...lines,
    'Exit codes: 0 yes or done, 1 no or refused, 2 wrong use or could not be tried.',
    'The server is found by --data DIR, ROLLCALL_DATA, ./rollcall-data, or the',
    'variables of a shell that ran: eval "$(rollcall env)"',
    '',
  ].join('\n');
}

function unexpected(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  return new Failure(`rollcall stopped at something unforeseen: ${text}. ROLLCALL_DEBUG=1 shows where.`);
}
