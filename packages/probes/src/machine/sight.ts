/**
 * How the probes see a machine: its files, its commands, its clock. Everything is bounded in time and size, and
 * nothing throws: what could not be seen is noted, with the reason. A test gives a folder instead of `/`.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants as fsConstants, type Stats } from 'node:fs';
import { lstat, open, opendir, readlink, stat, statfs } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** How a command ended: its exit code, -1 when it was killed or never started, and what it printed. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program without a shell. Answers undefined when there is no such program here. */
export type Runner = (command: string, args: readonly string[], ms: number) => Promise<Ran | undefined>;

/** What is known of a file without reading it. */
export interface FileFacts {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly changedAt: number;
}

/** What a file system says of itself. */
export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  readonly totalInodes: number;
}

/** A machine as the probes see it. */
export interface Sight {
  readonly platform: NodeJS.Platform;
  readonly privileged: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By the machine's own clock. */
  now(): number;
  interfaces(): ReturnType<typeof networkInterfaces>;
  /** Milliseconds until everything has to be done. */
  remaining(): number;
  /** The beginning of a file; undefined when there is none, or it can't be read: then that is noted. */
  text(path: string, most?: number): Promise<string | undefined>;
  /** The end of a file. */
  tail(path: string, bytes: number): Promise<string | undefined>;
  /** Names in a folder, at most `most`. */
  list(path: string, most?: number): Promise<readonly string[] | undefined>;
  /** Facts about a file, or about what a link leads to. */
  facts(path: string): Promise<FileFacts | undefined>;
  /** Facts about the very name, be it a link. */
  linkFacts(path: string): Promise<FileFacts | undefined>;
  link(path: string): Promise<string | undefined>;
  room(path: string): Promise<Room | undefined>;
  run(command: string, args: readonly string[], ms?: number): Promise<Ran | undefined>;
  unseen(what: string, why: string): void;
}

/** What a sight is made of. */
export interface SightOptions {
  /** A folder that stands for `/`. Then no command is run unless `run` is given. */
  readonly files?: string | undefined;
  readonly run?: Runner | undefined;
  readonly now?: (() => number) | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly interfaces?: (() => ReturnType<typeof networkInterfaces>) | undefined;
  readonly platform?: NodeJS.Platform | undefined;
  readonly privileged?: boolean | undefined;
  /** Milliseconds for everything. */
  readonly budget: number;
}

const patience = 800;
const longestText = 4 * 1024 * 1024;

/** Opens a sight; `noted` gets what it could not see, each thing once. */
export function openSight(options: SightOptions, noted: (what: string, why: string) => void): Sight {
  const end = performance.now() + options.budget;
  const real = (path: string) => (options.files === undefined ? path : join(options.files, path));
  const known = new Set<string>();
  const unseen = (path: string, why: string) => {
    // What is kept from us of one process is kept of others, too: that is one thing.
    const what = /^\/proc\/\d+\//.test(path) ? 'some processes' : path;
    if (known.has(what)) return;
    known.add(what);
    noted(what, why);
  };
  const remaining = () => Math.max(0, end - performance.now());

  /** Does one thing with the disk. Whoever waits for a disk that doesn't answer is let go. */
  const look = async <T>(path: string, work: (path: string) => Promise<T>): Promise<T | undefined> => {
    const late = Symbol();
    const limit = Math.min(patience, remaining());
    let timer: NodeJS.Timeout | undefined;
    try {
      const result = await Promise.race([
        work(real(path)),
        new Promise<typeof late>((resolve) => {
          timer = setTimeout(resolve, limit, late);
        }),
      ]);
      if (result !== late) return result as T;
      unseen(path, 'the disk did not answer in time');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (/^(ENOENT|ENOTDIR|EISDIR|EINVAL|ESRCH)$/.test(code ?? '')) return undefined;
      unseen(path, whyOf(error));
    } finally {
      clearTimeout(timer);
    }
    return undefined;
  };

  const runner = options.run ?? (options.files === undefined ? runHere : async () => undefined);
  return {
    platform: options.platform ?? process.platform,
    privileged: options.privileged ?? process.getuid?.() === 0,
    environment: options.environment ?? process.env,
    now: options.now ?? Date.now,
    interfaces: options.interfaces ?? (options.files === undefined ? networkInterfaces : () => ({})),
    remaining,
    unseen,
    text: (path, most = longestText) => look(path, (file) => readPart(file, most, 'begin')),
    tail: (path, bytes) => look(path, (file) => readPart(file, bytes, 'end')),
    list: (path, most = 5000) =>
      look(path, async (folder) => {
        const names: string[] = [];
        const until = performance.now() + patience / 2;
        const opened = await opendir(folder, { bufferSize: 512 });
        for await (const { name } of opened) {
          names.push(name);
          if (names.length >= most || performance.now() > until) break;
        }
        return names;
      }),
    facts: (path) => look(path, async (file) => factsOf(await stat(file))),
    linkFacts: (path) => look(path, async (file) => factsOf(await lstat(file))),
    link: (path) => look(path, (file) => readlink(file)),
    room: (path) =>
      look(path, async (file) => {
        const { bsize, bfree, blocks, ffree, files } = await statfs(file);
        // What is kept back for root is free for an agent, which is root.
        return {
          freeBytes: bfree * bsize,
          totalBytes: blocks * bsize,
          freeInodes: ffree,
          totalInodes: files,
        };
      }),
    run: async (command, args, ms = 1000) => {
      const limit = Math.min(ms, remaining());
      const ran = await runner(command, args, limit);
      // A name that isn't answered is a finding, and not something unseen.
      if (ran?.code === -1 && command !== 'getent') unseen(command, ran.err || 'it did not end in time');
      return ran;
    },
  };
}

/** An error in a few words. */
export function whyOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return code ?? message ?? 'failed';
}

function factsOf(stats: Stats): FileFacts {
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'folder'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other';
  return {
    kind,
    size: Number(stats.size),
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    changedAt: Math.round(Number(stats.mtimeMs)),
  };
}

async function readPart(path: string, most: number, part: 'begin' | 'end'): Promise<string> {
  // A pipe that somebody put in a file's place would otherwise hold whoever opens it.
  const file = await open(path, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    const pieces: Buffer[] = [];
    let position = part === 'end' ? Math.max(0, size - most) : 0;
    let left = most;
    // Files of the kernel say that they are empty: they are read until they end.
    while (left > 0) {
      const buffer = Buffer.alloc(Math.min(left, size > 65_536 ? 262_144 : 65_536));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
      position += bytesRead;
      left -= bytesRead;
    }
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    await file.close();
  }
}

/** Where commands for administrators are, although a plain user's `PATH` may not say so. */
const moreFolders = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/snap/bin',
];

/** Runs a program of this machine. */
export const runHere: Runner = (command, args, ms) => {
  const folders = [...new Set([...(process.env.PATH ?? '').split(':').filter(isAbsolute), ...moreFolders])];
  const file = folders.map((folder) => join(folder, command)).find(isExecutable);
  if (file === undefined) return Promise.resolve(undefined);
  if (ms <= 0) return Promise.resolve({ code: -1, out: '', err: 'no time was left' });
  return new Promise((resolve) => {
    const env = { PATH: folders.join(':'), LC_ALL: 'C', LANG: 'C' };
    const options = {
      timeout: Math.ceil(ms),
      killSignal: 'SIGKILL',
      maxBuffer: 4 * 1024 * 1024,
      env,
      cwd: '/',
    } as const;
    const child = execFile(file, [...args], options, (error, out, err) => {
      if (error === null) return resolve({ code: 0, out, err });
      if (typeof error.code === 'number') return resolve({ code: error.code, out, err });
      resolve({
        code: -1,
        out,
        err: error.killed ? 'it did not end in time' : String(error.code ?? 'failed'),
      });
    });
    child.stdin?.end();
    // A program that can't even be killed is left behind.
    const grace = setTimeout(() => resolve({ code: -1, out: '', err: 'it did not end in time' }), ms + 200);
    child.once('close', () => clearTimeout(grace));
    child.once('error', () => clearTimeout(grace));
  });
};

function isExecutable(file: string): boolean {
  try {
    accessSync(file, fsConstants.X_OK);
    return true;
  } catch {
    return false;
  }
}
