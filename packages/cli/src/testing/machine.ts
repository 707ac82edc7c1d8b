/** A machine for a test: a folder as its `/`, and commands that are functions of the test's. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Machine } from '../machine.ts';

/** What a command does; undefined is success without a word. */
export type FakeCommand = (args: readonly string[]) => { code: number; output: string } | undefined;

/** A machine and what was run on it. */
export interface TestMachine extends Machine {
  /** The folder that is its `/`. */
  readonly root: string;
  /** Every command, with its arguments, in order. */
  readonly ran: string[];
  /** Writes a file, with its folders. */
  put(absolute: string, text: string): void;
}

const made: string[] = [];
process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** Makes one that has these commands and no others. */
export function testMachine(
  commands: Readonly<Record<string, FakeCommand>> = {},
  options: { platform?: string; root?: boolean } = {},
): TestMachine {
  const root = mkdtempSync(path.join(tmpdir(), 'rollcall-machine-'));
  made.push(root);
  const ran: string[] = [];
  const real = (absolute: string) => path.join(root, absolute);
  return {
    root,
    ran,
    platform: options.platform ?? 'linux',
    path: real,
    isRoot: () => options.root ?? true,
    find: (command) => (command in commands ? `/usr/bin/${command}` : undefined),
    async run(command, args) {
      ran.push([command, ...args].join(' '));
      const known = commands[command];
      return known ? (known(args) ?? { code: 0, output: '' }) : { code: -1, output: 'no such command' };
    },
    put(absolute, text) {
      mkdirSync(path.dirname(real(absolute)), { recursive: true });
      writeFileSync(real(absolute), text);
    },
  };
}
