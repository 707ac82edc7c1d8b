/**
 * What a verb may touch of the process it runs in: streams, environment, folders, the time. Passed in, so
 * that a test can run a whole verb and read what a user would have read.
 */
import path from 'node:path';
import type { Readable } from 'node:stream';
import { exitCodes } from './failure.ts';

/** Environment variables, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One of the two output streams. */
export interface Sink {
  readonly isTTY: boolean;
  /** Lines that fit on the terminal; absent when it isn't one. */
  readonly rows?: number | undefined;
  write(text: string): void;
}

/** The surroundings of a verb. */
export interface Io {
  readonly env: Environment;
  /** The folder the command was called in, absolute. */
  readonly cwd: string;
  /** The repository: where the launcher and, by default, the data folder are. */
  readonly root: string;
  /** The launcher's absolute path, for commands that are printed to be run later. */
  readonly launcher: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Sets the exit code; a verb that says nothing ends with 0. */
  exit(code: number): void;
}

const root = path.resolve(import.meta.dirname, '../../..');

/** The real surroundings. */
export function systemIo(): Io {
  const sink = (stream: NodeJS.WriteStream): Sink => {
    // Whoever reads our output may stop reading (`| head`): that ends us, quietly.
    // A full disk under it is said once, and is no reason for a server to stop.
    let said = false;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      if (said) return;
      said = true;
      process.exitCode = exitCodes.unable;
      if (stream === process.stdout) process.stderr.write(`The output can't be written: ${error.message}.\n`);
    });
    return {
      isTTY: stream.isTTY === true,
      // A getter: windows are resized.
      get rows() {
        return stream.isTTY ? stream.rows : undefined;
      },
      write: (text) => void stream.write(text),
    };
  };
  return {
    env: process.env,
    cwd: process.cwd(),
    root,
    launcher: path.join(root, 'rollcall'),
    // A getter, because opening standard input keeps a terminal busy for verbs that never read it.
    get stdin() {
      return process.stdin;
    },
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    now: () => Date.now(),
    exit: (code) => {
      process.exitCode = code;
    },
  };
}
