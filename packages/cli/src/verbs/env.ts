/** `rollcall env`: the lines that point a shell, or a profile of the AWS tools, at the server. */
import type { Command } from 'commander';
import { connectionIn, defaultData, findConnection, resolveFolder, shellMarker } from '../context.ts';
import { writeBundle } from '../env/bundle.ts';
import { profileSection } from '../env/profile.ts';
import { line, quote, type Shell } from '../env/shell.ts';
import { turnOff, turnOn } from '../env/variables.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption } from '../options.ts';

interface Options {
  readonly data?: string;
  readonly off?: boolean;
  readonly profile?: boolean;
  readonly shell: string;
}

/** Declares `env`. */
export function env(command: Command, io: Io): void {
  dataOption(command.description('Points this shell, or an AWS profile, at the server.'))
    .option('--off', 'give the shell its own variables back')
    .option('--profile', 'print a profile for ~/.aws/config instead')
    .option('--shell <name>', 'sh (also bash, zsh, dash, ksh) or fish', 'sh')
    .addHelpText(
      'after',
      `
In sh, bash or zsh:   eval "$(rollcall env)"
In fish:              rollcall env --shell fish | source
Back again:           eval "$(rollcall env --off)"

ALL AWS calls of that shell then come to this server: endpoint, region, keys
and trusted roots are set; a session token, a profile and endpoints of single
services are taken away, and come back with --off. Trusted are the system's
roots, those the shell had named, and the server's, in one file in the data
folder. AWS CLI older than 1.29 or 2.13 doesn't know AWS_ENDPOINT_URL and would
silently call the real AWS: with those use rollcall aws.

--profile changes nothing in the shell: with the profile, only calls that name
it come here, and one that forgets it does not.`,
    )
    .action((options: Options) => run(options, io));
}

function run(options: Options, io: Io): void {
  const shell = shellNamed(options.shell);
  if (options.off && options.profile)
    throw new Failure('--off and --profile exclude each other: a profile has no state.');
  if (options.off) {
    const lines = turnOff(io.env).map((change) => line(change, shell));
    io.stdout.write(lines.length ? `${lines.join('\n')}\n` : ': "this shell was not pointed at a server"\n');
    return;
  }
  const connection = localConnection(options, io);
  const bundle = writeBundle(io.env, connection);
  if (options.profile) {
    io.stdout.write(profileSection(connection, bundle, io));
    return;
  }
  const lines = turnOn(io.env, connection, bundle).map((change) => line(change, shell));
  const again = `${quote(io.launcher, shell)} env`;
  const [use, back] =
    shell === 'fish'
      ? [`${again} --shell fish | source`, `${again} --off --shell fish | source`]
      : [`eval "$(${again})"`, `eval "$(${again} --off)"`];
  const comments = [
    `# ALL AWS calls of this shell now come to ${connection.url}, not to AWS.`,
    '# (AWS CLI older than 1.29 or 2.13 ignores this: use "rollcall aws" instead.)',
    `# Back again: ${back}`,
    ...(io.stdout.isTTY ? [`# These lines only work when a shell reads them: ${use}`] : []),
  ];
  // Comments come last: in an unquoted eval, where lines become one, they would swallow what follows.
  io.stdout.write(`${[...lines, ...comments].join('\n')}\n`);
}

function shellNamed(name: string): Shell {
  if (['sh', 'bash', 'zsh', 'dash', 'ksh'].includes(name)) return 'sh';
  if (name === 'fish') return 'fish';
  throw new Failure(`--shell ${name}: this can write for sh (also bash, zsh, dash, ksh) and fish.`);
}

/** The data folder's own connection: the bundle is written there, so variables of a shell don't do. */
function localConnection(options: Options, io: Io) {
  const marked = io.env[shellMarker];
  if (options.data === undefined && !io.env.ROLLCALL_DATA && marked?.startsWith('/'))
    return connectionIn(marked, 'named');
  const found = findConnection(io, options);
  if (found.data !== undefined) return { ...found, data: found.data };
  return connectionIn(options.data ? resolveFolder(options.data, io) : defaultData(io), 'named');
}
