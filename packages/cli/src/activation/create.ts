/** Making an activation, and saying what to run on the machines that are to join by it. */

import type { GetServerInfoOutput } from '@rollcall/wire';
import { type Asking, ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import { defaultData } from '../context.ts';
import { quote } from '../env/shell.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { commandLines } from '../output/command.ts';
import { localTime } from '../output/time.ts';
import { readUntil } from '../since.ts';
import { rememberedStart, startWordsFor } from '../up/restart.ts';
import { suggestedUrl } from '../up/welcome.ts';
import { isLoopback } from '../url.ts';
import { readTag } from '../verbs/node.ts';
import type { Wire } from '../wire.ts';
import { ansibleLines, cloudInitLines, type JoinFacts, shellLines } from './lines.ts';
import { findActivation } from './list.ts';

/** Flags of `activation create` and `activation line`. */
export interface CreateOptions extends SharedOptions {
  readonly limit?: string;
  readonly expires: string;
  readonly tags?: string;
  readonly name?: string;
  readonly role?: string;
}

interface Input {
  readonly IamRole: string;
  readonly RegistrationLimit: number;
  readonly ExpirationDate: number;
  readonly DefaultInstanceName?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

interface Made {
  readonly ActivationId: string;
  readonly ActivationCode: string;
}

/** How many machines an activation is for unless told. */
export const defaultLimit = '1';

/** Makes an activation, and prints it with every way to use it. */
export function createActivation(options: CreateOptions, role: string, io: Io): Promise<void> {
  const input = inputOf(options, role, io);
  return ask(io, options, async (asking) => {
    const made = await make(asking, input);
    if (options.json) {
      printMade(made, input, asking);
      return;
    }
    printHeading(made, input, asking);
    const server = await askServer(asking);
    if (server.url === undefined) {
      asking.print(...loopbackOnly(asking, io));
      return;
    }
    printAllLines(joinFacts(made, server, asking), asking);
  });
}

/**
 * Makes an activation, and prints the line that enrols a machine with it. With `like` it is one that has that
 * activation's name, role and tags: codes are told once, so a lost one is replaced, not looked up.
 */
export function printLine(
  like: string | undefined,
  options: CreateOptions,
  role: string,
  io: Io,
): Promise<void> {
  return ask(io, options, async (asking) => {
    const { print, screen } = asking;
    const server = await askServer(asking);
    // Before anything is made: a line that can't work is worth no activation.
    if (server.url === undefined)
      throw new Failure(`${loopbackOnly(asking, io).join('\n')}\nNothing was made.`, exitCodes.no);
    const model = like === undefined ? undefined : await findActivation(asking, like);
    const input = {
      ...(model?.DefaultInstanceName && { DefaultInstanceName: model.DefaultInstanceName }),
      ...(model?.Tags?.length && { Tags: model.Tags }),
      ...inputOf(options, model?.IamRole ?? role, io),
    };
    const made = await make(asking, input);
    if (options.json) {
      printMade(made, input, asking);
      return;
    }
    const facts = joinFacts(made, server, asking);
    if (model)
      print(
        'A code is told once, so this is a new activation, like',
        `  ${screen.text(model.ActivationId)}`,
        '',
      );
    print(
      ...shown(shellLines(facts), asking),
      '',
      `For ${machines(input)} in ${screen.text(asking.region)}, until ${localTime(input.ExpirationDate * 1000)}.`,
      'To watch them come:',
      `  rollcall activation watch${atData()} ${screen.text(made.ActivationId)}`,
    );
  });
}

function inputOf(options: CreateOptions, role: string, io: Io): Input {
  const tags = options.tags
    ?.split(',')
    .filter((tag) => tag !== '')
    .map(readTag);
  return {
    IamRole: options.role ?? role,
    RegistrationLimit: readCount(options.limit ?? defaultLimit, '--limit', 1000),
    ExpirationDate: readUntil(options.expires, io.now(), '--expires'),
    ...(options.name && { DefaultInstanceName: options.name }),
    ...(tags?.length && { Tags: tags }),
  };
}

function make({ client }: Asking, input: Input): Promise<Made> {
  return client.call<Made>('ssm', 'CreateActivation', input);
}

function printMade(made: Made, input: Input, { printJson, region }: Asking): void {
  const { RegistrationLimit, ExpirationDate } = input;
  printJson({ ...made, Region: region, RegistrationLimit, ExpirationDate });
}

function printHeading(made: Made, input: Input, { print, screen, region }: Asking): void {
  print(
    `Activation  ${screen.text(made.ActivationId)}`,
    `Code        ${screen.text(made.ActivationCode)}     shown this once`,
    `For         ${machines(input)} in ${screen.text(region)}, until ${localTime(input.ExpirationDate * 1000)}`,
    '',
  );
}

function machines({ RegistrationLimit }: Input): string {
  return RegistrationLimit === 1 ? '1 machine' : `${RegistrationLimit} machines`;
}

interface Server {
  /** As other machines reach it; undefined: they can't. */
  readonly url: string | undefined;
  readonly keyPin: string;
  readonly defaultRegion: string | undefined;
}

async function askServer({ client }: Asking): Promise<Server> {
  const info = await client.call<Wire<GetServerInfoOutput>>('rollcall', 'GetServerInfo', {});
  const url = info.PublicUrls.find((each) => !isLoopback(each));
  return { url, keyPin: info.KeyPin, defaultRegion: info.Regions[0] };
}

function loopbackOnly({ client, screen }: Asking, io: Io): string[] {
  const { data, url } = client.connection;
  const there = data === undefined || data === defaultData(io) ? '' : ` --data ${quote(data, 'sh')}`;
  const words = startWordsFor(suggestedUrl(url), data === undefined ? {} : rememberedStart(data));
  return [
    'Another machine can\'t reach "localhost". To let others join:',
    ...commandLines(screen.text(`npm start --${there}${words}`, 4096), '  '),
  ];
}

function joinFacts(made: Made, server: Server, { region }: Asking): JoinFacts {
  return {
    url: server.url ?? '',
    keyPin: server.keyPin,
    activationId: made.ActivationId,
    code: made.ActivationCode,
    ...(region !== server.defaultRegion && { region }),
  };
}

function printAllLines(facts: JoinFacts, asking: Asking): void {
  const { print, screen } = asking;
  print('On a machine, with sudo:', '', ...shown(shellLines(facts), asking).map((line) => `  ${line}`), '');
  // YAML stands at the left edge: cloud-init wants its first line there, and all of it is to be copied.
  print('cloud-init, as user data:', '', ...shown(cloudInitLines(facts), asking), '');
  print(
    'Ansible, with the code in the variable rollcall_code:',
    '',
    ...shown(ansibleLines(facts), asking),
    '',
  );
  print('To watch them come:', `  rollcall activation watch${atData()} ${screen.text(facts.activationId)}`);
}

function shown(lines: readonly string[], { screen }: Asking): string[] {
  return lines.map((line) => screen.text(line, 400));
}
