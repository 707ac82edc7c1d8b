/**
 * Runs one program of a step to its end, in a session of its own: what it prints is captured, and when its time
 * is over or the command is cancelled it is killed with everything that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants, userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Capture } from '../commands/capture.ts';
import { startOf } from '../lock.ts';
import { killTree, markName, type StepProcess, terminateGroup } from './process-tree.ts';

/** A program to run. */
export interface ProcessToRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to the agent's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Aborted with `cancelled` or `stopping` as its reason. */
  readonly signal: AbortSignal;
  /** The value of {@link markName}. */
  readonly mark: string;
  /** Told of the process as soon as there is one. */
  readonly started: (process: StepProcess) => void;
}

/** How a program ended. */
export type ProcessEnd =
  | { readonly how: 'exited'; readonly code: number }
  | { readonly how: 'signalled'; readonly code: number; readonly signal: string }
  | { readonly how: 'timed-out' | 'aborted' }
  | { readonly how: 'not-started'; readonly error: NodeJS.ErrnoException };

/** What it may still print once it has ended: this long (ms) without a word, or this long altogether. */
const quiet = 250;
const longest = 2000;
/** How long an agent that stops lets programs tidy up. */
const politeness = 1500;
/** Pipes of programs left behind that are read on, so that they don't die of a word. */
const leftBehindLimit = 64;
const leftBehind = new Set<ChildProcess>();

/** Runs a program. Never rejects. */
export async function runProcess(run: ProcessToRun): Promise<ProcessEnd> {
  if (run.signal.aborted) return { how: 'aborted' };
  let child: ChildProcess;
  try {
    child = start(run);
  } catch (error) {
    return { how: 'not-started', error: error as NodeJS.ErrnoException };
  }
  const exited = new Promise<ProcessEnd>((resolve) => {
    child.once('error', (error) => resolve({ how: 'not-started', error }));
    child.once('exit', (code, signal) =>
      resolve(
        signal === null
          ? { how: 'exited', code: code ?? 1 }
          : { how: 'signalled', code: 128 + constants.signals[signal], signal },
      ),
    );
  });
  const root: StepProcess | undefined =
    child.pid === undefined ? undefined : { pid: child.pid, started: startOf(child.pid), mark: run.mark };
  if (root) run.started(root);
  let cut: 'timed-out' | 'aborted' | undefined;
  let killing: Promise<unknown> | undefined;
  const kill = (why: 'timed-out' | 'aborted') => {
    if (cut !== undefined || root === undefined) return;
    cut = why;
    killing = run.signal.reason === 'stopping' ? endPolitely(root, exited) : killTree(root);
  };
  const timer = run.clock.after(run.timeoutMs, () => kill('timed-out'));
  const aborted = () => kill('aborted');
  run.signal.addEventListener('abort', aborted, { once: true });

  const output = drain(child, run);
  const end = await exited;
  timer.cancel();
  run.signal.removeEventListener('abort', aborted);
  await killing;
  await output.settled(end.how === 'not-started');
  return cut === undefined ? end : { how: cut };
}

function start(run: ProcessToRun): ChildProcess {
  return spawn(run.file, [...run.args], {
    cwd: run.cwd,
    env: { ...inheritedEnvironment(), ...run.env, [markName]: run.mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A session of its own, whose leader it is.
    detached: true,
  });
}

async function endPolitely(root: StepProcess, exited: Promise<unknown>): Promise<void> {
  terminateGroup(root);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, politeness);
  });
  await Promise.race([exited, late]);
  clearTimeout(timer);
  await killTree(root);
}

/** Reads both streams into their captures, no faster than these take it. */
function drain(child: ChildProcess, run: ProcessToRun) {
  let lastWord = performance.now();
  let keeping = true;
  const read = async (stream: Readable, capture: Capture) => {
    try {
      for await (const piece of stream) {
        lastWord = performance.now();
        // What comes after the step has ended is nobody's: it is only taken off the pipe.
        if (keeping) await capture.write(piece as Buffer);
      }
    } catch {
      // The pipe was closed on this side.
    }
  };
  const both = Promise.all([read(child.stdout!, run.stdout), read(child.stderr!, run.stderr)]);
  return {
    /** Resolves when everything is read, or when it is only others who still hold the pipes. */
    async settled(never: boolean): Promise<void> {
      if (never) {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }
      const ended = performance.now();
      let open = true;
      void both.then(() => {
        open = false;
      });
      for (;;) {
        await Promise.race([both, new Promise((resolve) => setTimeout(resolve, 50))]);
        const now = performance.now();
        if (!open || now - ended > longest || now - Math.max(lastWord, ended) > quiet) break;
      }
      keeping = false;
      if (open) leaveBehind(child);
    },
  };
}

/** A program that a step started and left running keeps its pipes, as long as there aren't too many of them. */
function leaveBehind(child: ChildProcess): void {
  leftBehind.add(child);
  const ended = () => {
    if (child.stdout?.destroyed && child.stderr?.destroyed) leftBehind.delete(child);
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.once('close', ended);
    // It must not keep an agent that stops from ending.
    (stream as unknown as { unref?: () => void })?.unref?.();
  }
  for (const oldest of leftBehind) {
    if (leftBehind.size <= leftBehindLimit) break;
    oldest.stdout?.destroy();
    oldest.stderr?.destroy();
    leftBehind.delete(oldest);
  }
}

/** The agent's environment without what is about the agent itself. */
function inheritedEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(NODE_|ROLLCALL_)/.test(name)) env[name] = value;
  }
  env.PATH ??= '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  env.HOME ??= userInfo().homedir;
  return env;
}
