/**
 * One server to a folder. The lock is SQLite's own exclusive lock on a small file beside the database:
 * the system lets go of it when the holder dies, however it dies. The holder's process id stands in a
 * file beside it, only to be told.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FolderUnusable, StoreInUse } from '../errors.ts';

/** A folder that is ours until released. */
export interface FolderLock {
  release(): void;
}

const busy = 5;

/** Takes the folder, or throws {@link StoreInUse} naming who has it. */
export function lockFolder(directory: string): FolderLock {
  const pidFile = join(directory, 'lock.pid');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch (error) {
    db?.close();
    if ((error as { errcode?: number }).errcode === busy)
      throw new StoreInUse(directory, holderOfFolder(directory));
    throw new FolderUnusable(directory, error);
  }
  const held = db;
  return {
    release() {
      rmSync(pidFile, { force: true });
      held.close();
    },
  };
}

/** The process id of the server that has the folder, or had it when it was killed; undefined when none is noted. */
export function holderOfFolder(directory: string): number | undefined {
  const file = join(directory, 'lock.pid');
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
