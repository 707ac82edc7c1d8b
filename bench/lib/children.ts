/**
 * Processes of their own for whatever is measured: each on the core it is given, asked by a line of JSON on
 * its standard input and answering with one on its standard output.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';

/** A process that answers. */
export interface Child {
  readonly pid: number;
  /** Resolves with the next answer to this. Rejects when the process ends first. */
  ask<T>(question: object): Promise<T>;
  /** CPU time so far, in seconds, of all its threads. */
  cpu(): number;
  /** Resident memory, in bytes. */
  memory(): number;
  /** Open files. */
  files(): number;
  stop(): Promise<void>;
}

/** Whether a process can be kept on one core. */
export const canPin =
  process.platform === 'linux' && spawnSync('taskset', ['-V']).status === 0 && cpus().length > 1;

/** Starts `file` with `args`; `core` keeps it, with all its threads, on one processor core. */
export async function startChild(
  file: string,
  args: readonly string[] = [],
  options: {
    readonly core?: number;
    readonly node?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Child> {
  const command = [process.execPath, ...(options.node ?? []), file, ...args];
  if (options.core !== undefined && canPin) command.unshift('taskset', '-c', String(options.core));
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const waiting: { done(answer: unknown): void; failed(error: Error): void }[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line.startsWith('{')) waiting.shift()?.done(JSON.parse(line));
  });
  void ended.then(() => {
    for (const one of waiting)
      one.failed(new Error(`${file} ended with ${child.exitCode ?? child.signalCode}`));
  });
  return {
    pid: child.pid!,
    ask: <T>(question: object) =>
      new Promise<T>((done, failed) => {
        if (child.exitCode !== null) throw new Error(`${file} has ended`);
        waiting.push({ done: done as (answer: unknown) => void, failed });
        child.stdin!.write(`${JSON.stringify(question)}\n`);
      }),
    cpu: () => cpuOf(child.pid!),
    memory: () => memoryOf(child.pid!),
    files: () => readdirSync(`/proc/${child.pid}/fd`).length,
    async stop() {
      end(child);
      await ended;
    },
  };
}

function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

/** Answers each question that comes in on standard input; for the child's side. */
export function answer(handle: (question: Record<string, unknown>) => Promise<object>): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      void handle(JSON.parse(line)).then((said) => process.stdout.write(`${JSON.stringify(said)}\n`));
    })
    .on('close', () => process.exit());
}

/** CPU time of a process, in seconds. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Linux counts in hundredths, on every machine that Node runs on.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process, in bytes. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
