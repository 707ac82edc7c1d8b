/** `rollcall collect`: the script for machines that have nothing of ours, to be carried there. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';

/** Declares `collect`. */
export function collect(command: Command, io: Io): void {
  command
    .description(
      'Prints a script that sees a machine from inside, with nothing installed there.\nIt only reads and connects, and prints one block of text; no secrets in it.',
    )
    .option('--ps1', 'for Windows, in PowerShell; otherwise for any POSIX shell')
    .addHelpText(
      'after',
      `
For example:
  rollcall collect > collect.sh            carry it there: sh collect.sh
  rollcall collect | ssh web-07 sudo sh | rollcall why web-07 --evidence -
  rollcall collect --ps1 > collect.ps1

What it prints is judged by:
  rollcall why MACHINE --evidence FILE     with what the server knows
  rollcall doctor --read FILE              by itself, anywhere

sh collect.sh --show says what it would read and run. Root sees more.`,
    )
    .action((options: { ps1?: boolean }) => print(options.ps1 ? 'ps1' : 'sh', io));
}

async function print(kind: 'sh' | 'ps1', io: Io): Promise<void> {
  const { collectScript } = await import('@rollcall/probes');
  io.stdout.write(collectScript(kind));
}
