/** Surroundings for a test: whole verbs run in this process, and what they said can be read. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Environment, Io } from '../io.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

/** What a verb did. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a test may choose. */
export interface TestIoOptions {
  readonly env?: Environment;
  readonly cwd?: string;
  readonly isTTY?: boolean;
  readonly stdin?: string;
}

const root = path.resolve(import.meta.dirname, '../../../..');

/** Surroundings with a UTF-8 locale and nothing else in the environment. */
export function testIo(options: TestIoOptions = {}): { io: Io; outcome(): Outcome } {
  const out: string[] = [];
  const err: string[] = [];
  let code = 0;
  const isTTY = options.isTTY ?? false;
  const io: Io = {
    env: { LANG: 'C.UTF-8', ...options.env },
    cwd: options.cwd ?? tmpdir(),
    // Not the repository: a server that happens to run there is none of a test's business.
    root: path.join(tmpdir(), 'no-such-repository'),
    launcher: path.join(root, 'rollcall'),
    stdin: Object.assign(Readable.from([options.stdin ?? '']), { isTTY }),
    stdout: { isTTY, write: (text) => void out.push(text) },
    stderr: { isTTY, write: (text) => void err.push(text) },
    now: () => Date.now(),
    exit: (value) => {
      code = value;
    },
  };
  return { io, outcome: () => ({ code, out: out.join(''), err: err.join('') }) };
}

/** Runs `rollcall ARGS` to its end. */
export async function rollcall(args: readonly string[], options: TestIoOptions = {}): Promise<Outcome> {
  const { io, outcome } = testIo(options);
  await run(verbs, args, io);
  return outcome();
}

/** A folder with a connection file in it, as a server leaves one. */
export function dataFolder(connection: object = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall cli-'));
  const whole = {
    url: 'https://localhost:1',
    region: 'us-east-1',
    account: '000000000000',
    accessKeyId: 'AKIAEXAMPLE000000000',
    secretAccessKey: "it's/a+secret",
    ...connection,
  };
  writeFileSync(path.join(folder, 'connection.json'), JSON.stringify(whole));
  return folder;
}

/** What was said as one line: wrapped sentences and commands that go on in the next line are whole again. */
export function flat(text: string): string {
  return text.replace(/(?: \\)?\n\s*/g, ' ').trim();
}
