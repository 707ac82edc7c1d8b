/**
 * One agent for each folder. The lock names its holder by process id and start time, so that an id that was
 * given to another process since doesn't count.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileNames } from './files.ts';

/** A lock that is held until it is released. */
export interface RootLock {
  release(): void;
}

/** Another process works in the folder. */
export class RootInUseError extends Error {
  readonly pid: number;
  constructor(root: string, pid: number) {
    super(`Another agent (process ${pid}) already works in ${root}.`);
    this.name = 'RootInUseError';
    this.pid = pid;
  }
}

/**
 * Takes the folder's lock, over a holder's that isn't running any more if need be.
 * @throws RootInUseError
 */
export function lockRoot(root: string): RootLock {
  const path = join(root, fileNames.lock);
  const text = `${process.pid} ${startOf(process.pid)}`;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (take(path, text)) return { release: () => release(path, text) };
    const holder = readHolder(path);
    if (holder === undefined) continue;
    const pid = runningHolder(holder);
    if (pid !== undefined) throw new RootInUseError(root, pid);
    dropStale(path, holder);
  }
  throw new RootInUseError(root, 0);
}

/** The process that holds the folder's lock; undefined when none does. */
export function lockHolder(root: string): number | undefined {
  const holder = readHolder(join(root, fileNames.lock));
  return holder === undefined ? undefined : runningHolder(holder);
}

/**
 * Takes the lock, unless there is one. It is a link that leads nowhere: it appears with its whole content or not
 * at all, never replaces another, and needs no room, which a machine may have run out of when it starts again.
 */
function take(path: string, text: string): boolean {
  try {
    symlinkSync(text, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** What is in the lock; empty when it is something else than a lock. */
function readHolder(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EINVAL') return '';
    throw error;
  }
}

function release(path: string, text: string): void {
  if (readHolder(path) === text) rmSync(path, { force: true });
}

/** Takes a dead holder's lock away; if another agent was quicker and it is already that one's, puts it back. */
function dropStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const taken = readHolder(aside);
  if (taken !== undefined && taken !== stale) take(path, taken);
  rmSync(aside, { force: true });
}

function runningHolder(text: string): number | undefined {
  const [id = '', started] = text.split(' ');
  const pid = Number(id);
  return pid > 0 && isRunning(pid) && startOf(pid) === started ? pid : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in a form that only serves to be compared. Ticks since boot, so with the boot. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${ticks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    // No Linux: ask the one tool that every other Unix has.
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
    })
      .trim()
      .replaceAll(' ', '-');
  } catch {
    return '';
  }
}
