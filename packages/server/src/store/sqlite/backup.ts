/**
 * Backups of a SQLite store: one SQLite file with everything as of one moment, made while the server
 * runs. Secrets are only in it when their files are named; then they lie in a table of their own.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { chmod, copyFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { BackupRefused, DatabaseNewer, reasonOf } from '../errors.ts';
import { syncFolder, writeFileDurably } from '../files.ts';
import { newestMigration } from '../migrations/index.ts';
import { databaseFile, makeFolder } from './folder.ts';
import { lockFolder } from './lock.ts';

/** What a backup was found to hold. */
export interface BackupContents {
  readonly file: string;
  /** The schema that it was made with. */
  readonly migration: number;
  /** When that schema was applied, milliseconds since the epoch. */
  readonly migratedAt: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Names of the secret files that it carries; empty unless they were asked for. */
  readonly files: readonly string[];
}

/** Copies a database that is in use into a new file. The file is there complete and on disk, or not at all. */
export async function writeBackup(job: {
  readonly database: string;
  readonly directory: string;
  readonly file: string;
  readonly files: readonly string[];
}): Promise<void> {
  const file = resolve(job.file);
  const part = `${file}.${randomBytes(6).toString('hex')}.part`;
  reserve(file);
  try {
    const source = new DatabaseSync(job.database, { readOnly: true, timeout: 5000 });
    try {
      // All pages in one step, on a thread of its own: a copy in several would begin again at each commit.
      await backup(source, part, { rate: 2 ** 31 - 1 });
    } finally {
      source.close();
    }
    await chmod(part, 0o600);
    finish(part, job.directory, job.files);
    syncFile(part);
    renameSync(part, file);
    syncFolder(dirname(file));
  } catch (error) {
    await rm(part, { force: true });
    await rm(`${part}-journal`, { force: true });
    await rm(file, { force: true });
    throw new BackupRefused(`The backup ${file} could not be written (${reasonOf(error)}).`, {
      cause: error,
    });
  }
}

/** Takes the name, so that no file is ever overwritten, not even by two backups at once. */
function reserve(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    const reason = reasonOf(error);
    throw new BackupRefused(
      (error as NodeJS.ErrnoException).code === 'EEXIST'
        ? `There is a file ${file} already. Choose another name: a backup never overwrites anything.`
        : `The backup ${file} can't be written (${reason}). Choose another place.`,
      { cause: error },
    );
  }
}

/** Makes the copy a file that stands alone, and adds the secret files that were asked for. */
function finish(part: string, directory: string, files: readonly string[]): void {
  const db = new DatabaseSync(part);
  try {
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;');
    if (files.length > 0) {
      db.exec('CREATE TABLE backup_files (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL)');
      const insert = db.prepare('INSERT INTO backup_files (name, content) VALUES (?, ?)');
      for (const name of files) insert.run(plainName(name), readFileSync(join(directory, name)));
    }
  } finally {
    db.close();
  }
}

/** Reads a backup through and says what is in it. Throws {@link BackupRefused} when it can't be relied on. */
export function verifyBackup(file: string): BackupContents {
  if (!existsSync(file)) throw new BackupRefused(`There is no file ${file}.`);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    return contentsOf(db, file);
  } catch (error) {
    if (error instanceof BackupRefused || error instanceof DatabaseNewer) throw error;
    throw new BackupRefused(`${file} is not a backup of Rollcall, or is damaged (${reasonOf(error)}).`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
}

function contentsOf(db: DatabaseSync, file: string): BackupContents {
  const [health] = db.prepare('PRAGMA integrity_check').all();
  if (health?.integrity_check !== 'ok') {
    throw new BackupRefused(`The backup ${file} is damaged (${health?.integrity_check}). Use an older one.`);
  }
  if (db.prepare('PRAGMA foreign_key_check').all().length > 0) {
    throw new BackupRefused(`The backup ${file} has rows without their owners. Use an older one.`);
  }
  // A file from outside: code hidden in a schema would run with the server's first write.
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE type IN ('trigger', 'view')").get()) {
    throw new BackupRefused(`The backup ${file} has triggers or views, which Rollcall never makes.`);
  }
  const newest = db.prepare('SELECT number, applied_at FROM migrations ORDER BY number DESC LIMIT 1').get();
  const migration = Number(newest?.number ?? 0);
  if (migration > newestMigration) throw new DatabaseNewer(migration, newestMigration);
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map((row) => String(row.name));
  const rows: Record<string, number> = {};
  for (const table of tables) {
    if (table === 'backup_files' || table === 'migrations') continue;
    rows[table] = Number(db.prepare(`SELECT count(*) AS count FROM "${table}"`).get()?.count);
  }
  return {
    file,
    migration,
    migratedAt: Number(newest?.applied_at ?? 0),
    rows,
    files: tables.includes('backup_files') ? filesIn(db).map(({ name }) => name) : [],
  };
}

/** What {@link restoreBackup} may do. */
export interface RestoreOptions {
  /** Put aside a database that is there; without it, one that is there stops the restore. */
  readonly replace?: boolean;
}

/** What {@link restoreBackup} did. */
export interface Restored extends BackupContents {
  /** The folder into which what was there before was put. */
  readonly putAside: string | undefined;
}

/**
 * Puts a backup into a server's folder. Refuses when a server runs there (`StoreInUse`), and when a
 * database is there unless told to replace it; what was there is put aside, not deleted.
 */
export async function restoreBackup(
  file: string,
  directory: string,
  options: RestoreOptions = {},
): Promise<Restored> {
  const contents = verifyBackup(file);
  const folder = resolve(directory);
  makeFolder(folder);
  const lock = lockFolder(folder);
  const target = join(folder, databaseFile);
  const part = `${target}.restoring`;
  try {
    if (existsSync(target) && !options.replace) {
      throw new BackupRefused(
        `There is a database in ${folder} already. Restore into another folder, or put it aside with --replace.`,
      );
    }
    await rm(part, { force: true });
    await copyFile(file, part);
    await chmod(part, 0o600);
    const secrets = takeFiles(part);
    syncFile(part);
    const putAside = existsSync(target)
      ? putAsideIn(folder, [`${databaseFile}-wal`, `${databaseFile}-shm`, databaseFile, ...contents.files])
      : undefined;
    for (const { name, content } of secrets) writeFileDurably(join(folder, name), content, 0o600);
    renameSync(part, target);
    syncFolder(folder);
    return { ...contents, putAside };
  } finally {
    await rm(part, { force: true });
    lock.release();
  }
}

/** Takes the secret files out of the copy, and every trace of them with them. */
function takeFiles(part: string): { name: string; content: Uint8Array }[] {
  const db = new DatabaseSync(part);
  try {
    const holds = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup_files'").get();
    if (!holds) return [];
    const files = filesIn(db);
    db.exec('DROP TABLE backup_files; VACUUM;');
    return files;
  } finally {
    db.close();
  }
}

function filesIn(db: DatabaseSync): { name: string; content: Uint8Array }[] {
  return db
    .prepare('SELECT name, content FROM backup_files ORDER BY name')
    .all()
    .map((row) => ({ name: plainName(String(row.name)), content: row.content as Uint8Array }));
}

/** A backup is a file from outside: the names in it may not lead out of the folder, nor at the database. */
function plainName(name: string): string {
  if (
    name !== basename(name) ||
    name.startsWith('.') ||
    name.includes('\\') ||
    /^(rollcall\.db|lock\.)/.test(name)
  ) {
    throw new BackupRefused(`A backup can't carry a file named ${JSON.stringify(name)}.`);
  }
  return name;
}

function putAsideIn(folder: string, names: readonly string[]): string {
  let number = 1;
  while (existsSync(join(folder, `replaced-${number}`))) number += 1;
  const aside = join(folder, `replaced-${number}`);
  mkdirSync(aside, { mode: 0o700 });
  for (const name of names) {
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(aside, name));
  }
  return aside;
}

function syncFile(file: string): void {
  const handle = openSync(file, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
