/**
 * The machine itself, for the verbs that change it: its files, its commands, who we are on it. Passed in, so
 * that a test can give a folder and commands of its own instead.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** How a command ended. */
export interface Outcome {
  /** -1 when it couldn't be started. */
  readonly code: number;
  /** Standard output and standard error, at most the last 20,000 characters. */
  readonly output: string;
}

/** A machine. */
export interface Machine {
  readonly platform: string;
  /** The real path of an absolute one. */
  path(absolute: string): string;
  isRoot(): boolean;
  /** The absolute path of a command, when there is one of this name. */
  find(command: string): string | undefined;
  run(command: string, args: readonly string[]): Promise<Outcome>;
}

/** Where commands for administrators are, although a plain user's `PATH` may not say so. */
const moreFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The machine that this runs on. */
export function systemMachine(): Machine {
  const folders = [
    ...new Set([...(process.env.PATH ?? '').split(':').filter(path.isAbsolute), ...moreFolders]),
  ];
  const find = (command: string) =>
    folders.map((folder) => path.join(folder, command)).find((file) => isExecutable(file));
  return {
    platform: process.platform,
    path: (absolute) => absolute,
    isRoot: () => process.getuid?.() === 0,
    find,
    run: (command, args) => runCommand(find(command) ?? command, args),
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Runs a program to its end, without a shell and without input. */
export function runCommand(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const note = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
  });
}
