/** `rollcall restore`: a data folder out of a backup, while no server uses it. */
import path from 'node:path';
import type { Command } from 'commander';
import { defaultData, resolveFolder } from '../context.ts';
import type { Io } from '../io.ts';
import { dataOption } from '../options.ts';
import { screenOf } from '../output/screen.ts';
import { explained } from '../up/server.ts';

interface Options {
  readonly data?: string;
  readonly replace?: boolean;
}

/** Declares `restore`. */
export function restore(command: Command, io: Io): void {
  command
    .description('Makes a data folder from a backup. No server may be running on it.')
    .argument('<file>', 'the backup')
    .option('--replace', 'put a database that is there aside (nothing is deleted)');
  dataOption(command).action((file: string, options: Options) => run(file, options, io));
}

async function run(file: string, options: Options, io: Io): Promise<void> {
  const { restoreBackup } = await import('@rollcall/server');
  const named = options.data ?? (io.env.ROLLCALL_DATA || undefined);
  const folder = named === undefined ? defaultData(io) : resolveFolder(named, io);
  const screen = screenOf(io);
  const restored = await restoreBackup(path.resolve(io.cwd, file), folder, {
    ...(options.replace && { replace: true }),
  }).catch((error: unknown) => {
    throw explained(error, 'no');
  });
  const lines = [`${screen.mark('yes')} ${screen.text(folder, 4096)} holds the backup.`];
  if (restored.putAside)
    lines.push('    what was there before is in', `    ${screen.text(restored.putAside, 4096)}`);
  if (restored.files.length === 0)
    lines.push(
      '    The backup has no keys: copy secrets.key, ca.key and ca.crt there before',
      '    you start, or the keys of all users and nodes have to be made anew.',
    );
  lines.push(`    to start: rollcall up --data ${screen.text(folder, 4096)}`);
  io.stdout.write(`${lines.join('\n')}\n`);
}
