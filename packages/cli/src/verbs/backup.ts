/** `rollcall backup`: a backup of a running server, and the proof that one is good. */
import path from 'node:path';
import type { CreateBackupOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { resolveFolder } from '../context.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { screenOf } from '../output/screen.ts';
import { explained } from '../up/server.ts';
import type { Wire } from '../wire.ts';

interface Options extends SharedOptions {
  readonly withSecrets?: boolean;
}

/** Declares `backup`. */
export function backup(command: Command, io: Io): void {
  command
    .description(
      'Writes a backup while the server runs. It is one file, written by the\nserver, on its machine; an existing file is never overwritten.',
    )
    .argument('[file]', 'where to')
    .option('--with-secrets', 'put the keys in as well: whoever has the file is the server')
    .addHelpText(
      'after',
      `
Without --with-secrets the keys (secrets.key, the CA's) are not in it: keep a
copy of them apart. With PostgreSQL use pg_dump, and copy the folder for the
keys. To use a backup: rollcall restore FILE --data DIR`,
    );
  dataOption(command).action((file: string | undefined, options: Options) => make(file, options, io));
  command
    .command('verify <file>')
    .description('read a backup through and say what is in it')
    .action((file: string) => verify(file, io));
}

async function make(file: string | undefined, options: Options, io: Io): Promise<void> {
  if (file === undefined) throw new Failure('rollcall backup: where to? Name a file: rollcall backup FILE');
  await ask(io, options, async ({ client, screen, print }) => {
    const input = { Path: resolveFolder(file, io), ...(options.withSecrets && { WithSecrets: true }) };
    const made = await client.call<Wire<CreateBackupOutput>>('rollcall', 'CreateBackup', input, {
      timeout: 600_000,
    });
    print(`${screen.mark('yes')} ${screen.text(made.Path, 4096)}  ${megabytes(made.Bytes)}`);
    if (!options.withSecrets)
      print('    The keys are not in it: keep a copy of them apart, or use --with-secrets.');
  });
}

async function verify(file: string, io: Io): Promise<void> {
  const { verifyBackup } = await import('@rollcall/server');
  const screen = screenOf(io);
  const contents = (() => {
    try {
      return verifyBackup(path.resolve(io.cwd, file));
    } catch (error) {
      throw explained(error, 'no');
    }
  })();
  const count = (name: string, noun: string) => counted(contents.rows[name] ?? 0, noun);
  const keys = contents.files.length ? `keys: ${contents.files.join(', ')}` : 'no keys in it';
  io.stdout.write(
    `${[
      `${screen.mark('yes')} ${screen.text(contents.file, 4096)} is whole.`,
      `    ${count('nodes', 'node')}, ${count('activations', 'activation')}, ${count('users', 'user')}, ${count('audit', 'audit record')}`,
      `    ${screen.text(keys, 400)}`,
    ].join('\n')}\n`,
  );
}

function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}
