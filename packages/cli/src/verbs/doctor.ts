/** `rollcall doctor`: why this machine is, or isn't, in the list; seen from the machine itself. */
import { type Command, Option } from 'commander';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Language, languageOption } from '../language.ts';
import { dataOption, jsonOption } from '../options.ts';
import { isOurUrl } from '../url.ts';

/** Flags of `doctor`. */
export interface DoctorOptions {
  readonly lang?: Language;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly bundle?: string;
  readonly read?: string;
  readonly fix?: boolean;
  readonly server?: string;
  readonly endpoint?: 'aws';
  readonly region?: string;
  readonly root?: string;
  readonly self?: boolean;
  readonly clock?: readonly string[];
  readonly data?: string;
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** Declares `doctor`. */
export function doctor(command: Command, io: Io): void {
  command
    .description(
      "Says why this machine is, or isn't, in the list of managed nodes: the first\nbroken link, what proves it, and what mends it. Looks, and changes nothing.",
    )
    .option('-v, --verbose', 'every gate, with all that was seen')
    .option('--fix', 'offer to run what is safe; each is asked about')
    .option('--bundle <file>', 'write what was seen, without secrets, to be judged elsewhere')
    .option('--read <file>', 'judge a bundle, or a block of rollcall collect; - is stdin')
    .option('--server <url>', 'the way to this server, where nothing is set up yet')
    .addOption(
      new Option(
        '--endpoint <whose>',
        "aws: a machine of a real AWS account; the way to AWS's\nendpoints",
      ).choices(['aws']),
    )
    .option('--region <name>', 'with --endpoint: the region, when nothing here tells it')
    .option('--root <dir>', "the agent's folder (what is found)")
    .option('--self', "the server's own health, on its own machine")
    .option('--clock <url>', 'with --self: compare the clock with this one; repeatable', collect);
  languageOption(command);
  dataOption(jsonOption(command))
    .addHelpText(
      'after',
      `
For example:
  sudo rollcall doctor
  sudo rollcall doctor --fix
  rollcall doctor --server https://rollcall.lan:8443
  rollcall doctor --read evidence.txt --lang ja

It sees our agent, the official one, or that there is none; root sees more. From
the server's side: rollcall why MACHINE. Where nothing of ours is installed:
rollcall collect

Exit codes: 0 it is in the list, can be picked and works; 1 it isn't so; 2 it
couldn't be told.`,
    )
    .action((options: DoctorOptions) => run(options, io));
}

async function run(options: DoctorOptions, io: Io): Promise<void> {
  refuseNonsense(options);
  if (options.self) return (await import('../doctor/self.ts')).checkSelf(options, io);
  if (options.read !== undefined)
    return (await import('../doctor/read.ts')).readAndJudge(options, options.read, io);
  return (await import('../doctor/examine.ts')).examine(options, io);
}

function refuseNonsense(options: DoctorOptions): void {
  const { self, read, fix, bundle, server, json } = options;
  const others = ['fix', 'bundle', 'server', 'endpoint', 'root'] as const;
  const wrong = others.find((name) => options[name] !== undefined);
  if (self && (wrong || read !== undefined))
    throw new Failure(`--self is about the server itself. Leave out it or --${wrong ?? 'read'}.`);
  if (read !== undefined && wrong)
    throw new Failure(`--read is about what was seen elsewhere. Leave out it or --${wrong}.`);
  if (fix && (json || bundle !== undefined))
    throw new Failure(`--fix asks a person. Leave out it or --${json ? 'json' : 'bundle'}.`);
  if (options.clock !== undefined && !self) throw new Failure('--clock goes with --self.');
  if (options.region !== undefined && options.endpoint === undefined)
    throw new Failure('--region goes with --endpoint aws.');
  if (server !== undefined && !isOurUrl(server))
    throw new Failure(`--server must be https://HOST or https://HOST:PORT, not "${server}".`);
}
