/**
 * Files that survive a kill at any moment: written whole or not at all, and, for what can't be made again,
 * kept in two generations.
 */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Where an agent keeps its files unless told. */
export const defaultRoot = '/var/lib/rollcall-agent';

/** The names of everything an agent keeps in its folder. */
export const fileNames = {
  identity: 'identity.json',
  previousIdentity: 'identity.previous.json',
  credentials: 'credentials.json',
  status: 'status.json',
  config: 'config.json',
  lock: 'agent.lock',
  /** A folder. */
  jobs: 'jobs',
} as const;

/** Neither generation of a file can be read, although there is one. */
export class DamagedFileError extends Error {
  readonly path: string;
  constructor(path: string, why: string) {
    super(`${path} is damaged (${why}), and so is its previous generation or there is none.`);
    this.name = 'DamagedFileError';
    this.path = path;
  }
}

/**
 * Makes the folder, if need be, for its owner only; others may pass through it to the one file that is for
 * them (the status), but not list it.
 */
export function makeRoot(root: string): void {
  const created = mkdirSync(root, { recursive: true, mode: 0o700 });
  if (created !== undefined || (statSync(root).mode & 0o777) !== 0o711) chmodSync(root, 0o711);
}

/** The text of a file; undefined when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Replaces a file in one step: a reader, and whoever comes after a crash, finds the old text or the new.
 * `durable: false` leaves out the flush to disk, for what may be lost.
 */
export function writeAtomic(path: string, text: string, mode = 0o600, durable = true): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', mode);
  try {
    // The umask, or a file left over from a crash, may have chosen other permissions.
    fchmodSync(file, mode);
    writeFileSync(file, text);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  if (durable) syncFolder(dirname(path));
}

/** Removes a file and its unfinished successor; whether there was one. */
export function removeFile(path: string): boolean {
  rmSync(`${path}.new`, { force: true });
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Saves a text in two generations. What was there becomes the previous one first, unless it is damaged: so
 * at every moment at least one whole generation is on disk.
 */
export function saveGenerations(
  root: string,
  names: { current: string; previous: string },
  text: string,
  isWhole: (text: string) => boolean,
): void {
  const current = join(root, names.current);
  const before = readText(current);
  if (before !== undefined && before !== text && isWhole(before)) {
    writeAtomic(join(root, names.previous), before);
  }
  writeAtomic(current, text);
}

/**
 * Reads the newest whole generation; undefined when there is none at all.
 * @throws DamagedFileError when there are files, but none is whole.
 */
export function loadGenerations<T>(
  root: string,
  names: { current: string; previous: string },
  parse: (text: string) => T,
): { value: T; generation: 'current' | 'previous' } | undefined {
  let damage: string | undefined;
  for (const generation of ['current', 'previous'] as const) {
    const text = readText(join(root, names[generation]));
    if (text === undefined) continue;
    try {
      return { value: parse(text), generation };
    } catch (error) {
      damage ??= (error as Error).message;
    }
  }
  if (damage !== undefined) throw new DamagedFileError(join(root, names.current), damage);
  return undefined;
}

/** A rename is on disk when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
