/** `rollcall user`: who may call the server, with which policy and which access keys. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import type { CreateAccessKeyOutput, CreateUserOutput, ListUsersOutput, NewAccessKey } from '@rollcall/wire';
import type { Command } from 'commander';
import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { quote } from '../env/shell.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { table } from '../output/table.ts';
import { localTime } from '../output/time.ts';
import type { Wire } from '../wire.ts';

interface CreateOptions extends SharedOptions {
  readonly policy?: string;
}

/** Declares `user`. */
export function user(command: Command, io: Io): void {
  command.description('Users, their policies and their access keys.');
  const add = (parent: Command, usage: string, description: string) =>
    dataOption(parent.command(usage).description(description));

  jsonOption(
    add(command, 'create <name>', 'make a user and its first access key; without a policy it may do nothing'),
  )
    .option('--policy <file>', 'an IAM policy document (JSON); - reads standard input')
    .action((name: string, options: CreateOptions) => create(name, options, io));
  jsonOption(add(command, 'list', 'list users and their keys')).action((options: SharedOptions) =>
    list(options, io),
  );
  add(command, 'delete <name>', 'delete a user and its keys, at once').action(
    (name: string, options: SharedOptions) =>
      change('DeleteUser', { UserName: name }, `User ${name} and its keys are gone.`, options, io),
  );
  add(command, 'policy <name> [file]', 'show a policy, or replace it; - reads standard input').action(
    (name: string, file: string | undefined, options: SharedOptions) => policy(name, file, options, io),
  );

  const key = command.command('key').description('the access keys of a user');
  jsonOption(add(key, 'create <name>', 'make another key for a user')).action(
    (name: string, options: SharedOptions) => createKey(name, options, io),
  );
  const setStatus = (id: string, Status: 'Active' | 'Inactive', options: SharedOptions) =>
    change(
      'UpdateAccessKey',
      { AccessKeyId: id, Status },
      `Key ${id} is ${Status.toLowerCase()}.`,
      options,
      io,
    );
  add(key, 'disable <key-id>', 'refuse a key; it can be enabled again').action(
    (id: string, options: SharedOptions) => setStatus(id, 'Inactive', options),
  );
  add(key, 'enable <key-id>', 'accept it again').action((id: string, options: SharedOptions) =>
    setStatus(id, 'Active', options),
  );
  add(key, 'delete <key-id>', 'delete a key').action((id: string, options: SharedOptions) =>
    change('DeleteAccessKey', { AccessKeyId: id }, `Key ${id} is gone.`, options, io),
  );
}

async function create(name: string, options: CreateOptions, io: Io): Promise<void> {
  const PolicyDocument = options.policy === undefined ? undefined : await readPolicy(options.policy, io);
  await ask(io, options, async (asking) => {
    const input = { UserName: name, ...(PolicyDocument !== undefined && { PolicyDocument }) };
    const made = await asking.client.call<Wire<CreateUserOutput>>('rollcall', 'CreateUser', input);
    if (options.json) {
      asking.printJson(made);
      return;
    }
    const { print, screen } = asking;
    print(
      `${screen.mark('yes')} User ${screen.text(made.User.UserName, 64)}`,
      `    ${screen.text(made.User.Arn)}`,
    );
    printKey(asking, made.AccessKey);
    if (PolicyDocument === undefined)
      print(
        '',
        'It may do nothing yet. To give it a policy:',
        `  rollcall user policy${atData()} ${screen.text(name, 64)} FILE`,
      );
  });
}

function createKey(name: string, options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async (asking) => {
    const made = await asking.client.call<Wire<CreateAccessKeyOutput>>('rollcall', 'CreateAccessKey', {
      UserName: name,
    });
    if (options.json) asking.printJson(made);
    else printKey(asking, made.AccessKey);
  });
}

/** The only time that the secret is shown. */
function printKey({ print, screen, client }: Asking, key: Wire<NewAccessKey>): void {
  const { caFile } = client.connection;
  print(
    '',
    'Shown this once; the server never tells the secret again:',
    `  export AWS_ACCESS_KEY_ID=${screen.text(key.AccessKeyId)}`,
    `  export AWS_SECRET_ACCESS_KEY=${screen.text(key.SecretAccessKey)}`,
    `  export AWS_ENDPOINT_URL=${client.connection.url}`,
    `  export AWS_REGION=${screen.text(client.connection.region)}`,
    ...(caFile ? [`  export AWS_CA_BUNDLE=${quote(screen.text(caFile, 4096), 'sh')}`] : []),
    '  unset AWS_SESSION_TOKEN AWS_PROFILE',
    ...(caFile ? ['On another machine, copy that file there first, and name the copy.'] : []),
  );
}

function list(options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const { Users } = await client.call<Wire<ListUsersOutput>>('rollcall', 'ListUsers', {});
    if (options.json) {
      printJson({ Users });
      return;
    }
    const rows = Users.flatMap((each) => {
      const keys = each.AccessKeys.map((key) => [
        key.AccessKeyId,
        key.Status,
        localTime(key.CreatedAt * 1000),
      ]);
      const first = keys.shift() ?? ['no key', '', ''];
      return [[each.UserName, ...first], ...keys.map((key) => ['', ...key])];
    });
    const columns = [
      { title: 'USER', atLeast: 10 },
      { title: 'ACCESS KEY' },
      { title: 'STATE' },
      { title: 'MADE' },
    ];
    if (rows.length) print(...table(columns, rows, screen), '');
    print(`${Users.length} of ${counted(Users.length, 'user')}.`);
  });
}

async function policy(name: string, file: string | undefined, options: SharedOptions, io: Io): Promise<void> {
  if (file !== undefined) {
    const PolicyDocument = await readPolicy(file, io);
    await change(
      'PutUserPolicy',
      { UserName: name, PolicyDocument },
      `User ${name} has the policy.`,
      options,
      io,
    );
    return;
  }
  await ask(io, options, async ({ client, printJson }) => {
    const { Users } = await client.call<Wire<ListUsersOutput>>('rollcall', 'ListUsers', {});
    const found = Users.find((each) => each.UserName === name);
    if (!found)
      throw new Failure(`There is no user "${name}". All of them: rollcall user list${atData()}`, 1);
    printJson(found.PolicyDocument === undefined ? null : JSON.parse(found.PolicyDocument));
  });
}

/** One call that changes something, and the line that says so. */
function change(
  operation: string,
  input: object,
  done: string,
  options: SharedOptions,
  io: Io,
): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    await client.call('rollcall', operation, input);
    print(`${screen.mark('yes')} ${screen.text(done)}`);
  });
}

async function readPolicy(file: string, io: Io): Promise<string> {
  let document: string;
  try {
    document = file === '-' ? await readStream(io.stdin) : readFileSync(path.resolve(io.cwd, file), 'utf8');
  } catch (error) {
    throw new Failure(`The policy can't be read: ${(error as Error).message}`);
  }
  try {
    JSON.parse(document);
  } catch (error) {
    throw new Failure(`${file === '-' ? 'Standard input' : file} isn't JSON: ${(error as Error).message}`);
  }
  return document;
}
