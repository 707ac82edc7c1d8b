/** `rollcall activation`: lets machines join, and shows which did. */
import type { GetServerInfoOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ansibleLines, cloudInitLines, type JoinFacts, shellLines } from '../activation/lines.ts';
import { type WatchOptions, watchActivation } from '../activation/progress.ts';
import { type Asking, ask, readCount } from '../ask.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { nodeRole } from '../nodes.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { table } from '../output/table.ts';
import { localTime } from '../output/time.ts';
import { readUntil } from '../since.ts';
import { suggestedUrl } from '../up/welcome.ts';
import { isLoopback } from '../url.ts';
import type { Wire } from '../wire.ts';
import { readTag } from './node.ts';

interface CreateOptions extends SharedOptions {
  readonly limit: string;
  readonly expires: string;
  readonly tags?: string;
  readonly name?: string;
  readonly role: string;
}

/** The members of DescribeActivations that the list shows. */
interface Activation {
  readonly ActivationId: string;
  readonly DefaultInstanceName?: string;
  readonly RegistrationLimit: number;
  readonly RegistrationsCount: number;
  readonly ExpirationDate: number;
  readonly Expired: boolean;
}

/** Declares `activation`. */
export function activation(command: Command, io: Io): void {
  command.description('Lets machines join.');
  const create = command
    .command('create')
    .description('makes an activation and prints the lines that enrol machines with it')
    .option('--limit <n>', 'how many machines may use it, up to 1000', '1')
    .option('--expires <time>', 'a span of at most 30 days, or 2026-10-02T14:00Z', '24h')
    .option('--tags <k=v,...>', 'tags for the machines that register')
    .option('--name <name>', 'name for the machines that register')
    .option('--role <role>', 'role name that the list shows', nodeRole);
  dataOption(regionOption(jsonOption(create))).action((options: CreateOptions) => run(options, io));
  dataOption(regionOption(jsonOption(command.command('list').description('list activations')))).action(
    (options: SharedOptions) => list(options, io),
  );
  dataOption(
    regionOption(command.command('delete <id>').description('end an activation; who has registered stays')),
  ).action((id: string, options: SharedOptions) => remove(id, options, io));
  const watch = command
    .command('watch <id>')
    .description('registered, refused by reason, not seen; until all are there')
    .option('--once', 'say it once and end');
  dataOption(regionOption(jsonOption(watch))).action((id: string, options: WatchOptions) =>
    watchActivation(id, options, io),
  );
}

function run(options: CreateOptions, io: Io): Promise<void> {
  const tags = options.tags
    ?.split(',')
    .filter((tag) => tag !== '')
    .map(readTag);
  const input = {
    IamRole: options.role,
    RegistrationLimit: readCount(options.limit, '--limit', 1000),
    ExpirationDate: readUntil(options.expires, io.now(), '--expires'),
    ...(options.name && { DefaultInstanceName: options.name }),
    ...(tags?.length && { Tags: tags }),
  };
  return ask(io, options, async (asking) => {
    const { client, print, printJson, screen, region } = asking;
    const made = await client.call<{ ActivationId: string; ActivationCode: string }>(
      'ssm',
      'CreateActivation',
      input,
    );
    if (options.json) {
      printJson({
        ...made,
        Region: region,
        RegistrationLimit: input.RegistrationLimit,
        ExpirationDate: input.ExpirationDate,
      });
      return;
    }
    const machines = input.RegistrationLimit === 1 ? '1 machine' : `${input.RegistrationLimit} machines`;
    print(
      `Activation  ${screen.text(made.ActivationId)}`,
      `Code        ${screen.text(made.ActivationCode)}     shown this once`,
      `For         ${machines} in ${screen.text(region)}, until ${localTime(input.ExpirationDate * 1000)}`,
      '',
    );
    await printJoinLines(asking, made.ActivationId, made.ActivationCode);
  });
}

async function printJoinLines(
  { client, print, screen, region }: Asking,
  activationId: string,
  code: string,
): Promise<void> {
  const info = await client.call<Wire<GetServerInfoOutput>>('rollcall', 'GetServerInfo', {});
  const url = info.PublicUrls.find((each) => !isLoopback(each));
  if (url === undefined) {
    print(
      'Another machine can\'t reach "localhost". To let others join:',
      `  npm start -- --public-url ${suggestedUrl(client.connection.url)}`,
    );
    return;
  }
  const facts: JoinFacts = {
    url,
    keyPin: info.KeyPin,
    activationId,
    code,
    ...(region !== info.Regions[0] && { region }),
  };
  const shown = (lines: readonly string[]) => lines.map((line) => screen.text(line, 400));
  print('On a machine, with sudo:', '', ...shown(shellLines(facts)).map((line) => `  ${line}`), '');
  // YAML stands at the left edge: cloud-init wants its first line there, and all of it is to be copied.
  print('cloud-init, as user data:', '', ...shown(cloudInitLines(facts)), '');
  print('Ansible, with the code in the variable rollcall_code:', '', ...shown(ansibleLines(facts)), '');
  print('To watch them come:', `  rollcall activation watch ${screen.text(activationId)}`);
}

function list(options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson, region }) => {
    const all: Activation[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.call<{ ActivationList?: Activation[]; NextToken?: string }>(
        'ssm',
        'DescribeActivations',
        {
          MaxResults: 50,
          ...(NextToken && { NextToken }),
        },
      );
      all.push(...(page.ActivationList ?? []));
      NextToken = page.NextToken;
    } while (NextToken);
    if (options.json) {
      printJson({ ActivationList: all });
      return;
    }
    const columns = [
      { title: 'ACTIVATION' },
      { title: 'USED' },
      { title: 'EXPIRES' },
      { title: 'NAME', atLeast: 8 },
    ];
    const rows = all.map((each) => [
      each.ActivationId,
      `${each.RegistrationsCount} of ${each.RegistrationLimit}`,
      each.Expired ? 'expired' : localTime(each.ExpirationDate * 1000),
      each.DefaultInstanceName ?? '',
    ]);
    if (rows.length) print(...table(columns, rows, screen), '');
    print(
      all.length
        ? `${all.length} of ${counted(all.length, 'activation')} in ${screen.text(region)}.`
        : `No activation in ${screen.text(region)}. To make one: rollcall activation create`,
    );
  });
}

function remove(id: string, options: SharedOptions, io: Io): Promise<void> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new Failure(`"${id}" is no activation id. All of them: rollcall activation list`);
  return ask(io, options, async ({ client, screen, print }) => {
    await client.call('ssm', 'DeleteActivation', { ActivationId: id });
    print(`${screen.mark('yes')} Nobody can register with ${id} any more.`);
  });
}
