/** `rollcall aws`: the installed AWS CLI, whatever its version, against the server and nowhere else. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { type Connection, findConnection } from '../context.ts';
import { writeBundle } from '../env/bundle.ts';
import { environmentFor } from '../env/variables.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption } from '../options.ts';

/** Declares `aws`. */
export function aws(command: Command, io: Io): void {
  dataOption(command.description('Runs the installed AWS CLI against the server.'))
    .usage('[--data <dir>] ARGUMENTS OF aws ...')
    .argument('[arguments...]', 'what aws is to do')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText(
      'after',
      `
For example:  rollcall aws ssm describe-instance-information

Works with every version of the CLI, because the endpoint is an argument; since
1.29 and 2.13 a shell or a profile does as well (rollcall env). The variables of
another account in this shell are kept away from it. Exit code, streams and
signals are those of aws; 127 when none is installed.`,
    )
    .action((args: string[], options: { data?: string }) => run(args, options, io));
}

async function run(args: readonly string[], options: { data?: string }, io: Io): Promise<void> {
  refuseContradictions(args);
  const program = findProgram('aws', io.env.PATH ?? '');
  if (!program)
    throw new Failure(
      'No aws on the PATH. To get it: apt install awscli, dnf install awscli2, brew install awscli, pip install awscli, or https://aws.amazon.com/cli/',
      127,
    );
  const connection = findConnection(io, options);
  const bundle = connection.data
    ? writeBundle(io.env, { ...connection, data: connection.data })
    : (connection.caFile ?? '');
  io.exit(await runAws(program, args, connection, bundle, io));
}

/** Arguments that would send the call, or the keys, elsewhere. */
function refuseContradictions(args: readonly string[]): void {
  for (const argument of args) {
    // The CLI's parser takes `--endpoint` for `--endpoint-url` too.
    if (/^--endpoint(-u(r(l)?)?)?(=|$)/.test(argument))
      throw new Failure(
        'rollcall aws sets --endpoint-url itself, so that the call arrives here. For another server: rollcall aws --data DIR ...',
      );
    if (/^--profile(=|$)/.test(argument))
      throw new Failure(
        "rollcall aws brings its own keys, so --profile can't be added. With a profile: rollcall env --profile, then aws --profile rollcall ...",
      );
  }
}

/** Runs the CLI to its end and returns its exit code. */
function runAws(
  program: string,
  args: readonly string[],
  connection: Connection,
  bundle: string,
  io: Io,
): Promise<number> {
  const env = environmentFor(io.env, connection, bundle);
  return new Promise((resolve, reject) => {
    // A terminal sends Ctrl-C to both of us: aws decides what it means. What only we got is passed on.
    const ignore = () => undefined;
    const forward = (signal: NodeJS.Signals) => void child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGQUIT', ignore);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
    // Only now: a signal in between would end us, and leave aws to itself.
    const child = spawn(program, ['--endpoint-url', connection.url, ...args], { stdio: 'inherit', env });
    child.on('error', (error) => reject(new Failure(`${program} can't be started: ${error.message}`, 126)));
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGQUIT', ignore);
      for (const each of ['SIGTERM', 'SIGHUP'] as const) process.off(each, forward);
      resolve(signal ? 128 + os.constants.signals[signal] : (code ?? 1));
    });
  });
}

/** The first executable file of that name on the PATH. */
export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.resolve(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}
