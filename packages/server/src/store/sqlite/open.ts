/**
 * The SQLite store: one file in the server's folder, in WAL mode with full durability, one connection
 * that writes in groups and a few that read what is committed.
 */
import { chmodSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../clock.ts';
import type { Store } from '../contract.ts';
import {
  DatabaseUnusable,
  FolderUnusable,
  reasonOf,
  StoreClosed,
  StoreError,
  StoreInUse,
} from '../errors.ts';
import { syncFolder } from '../files.ts';
import { GroupCommit, type GroupLimits, type GroupReport } from '../group.ts';
import { type Migration, type MigrationTarget, migrate } from '../migrations/index.ts';
import { writeBackup } from './backup.ts';
import { SqliteConnection, sqliteLanguage } from './connection.ts';
import { databaseFile, makeFolder } from './folder.ts';
import { sqliteLane } from './lane.ts';
import { lockFolder } from './lock.ts';
import { SqliteReaders } from './readers.ts';

export interface SqliteOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly limits?: GroupLimits;
  report(error: unknown): void;
  observe?(report: GroupReport): void;
  readonly migrations?: readonly Migration[];
}

/** Opens (or makes) the store in `directory`. The folder is locked until the store is closed. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const directory = resolve(options.directory);
  makeFolder(directory);
  const lock = lockFolder(directory);
  const file = join(directory, databaseFile);
  let writer: SqliteConnection | undefined;
  try {
    writer = openWriter(file);
    await migrate(migrationTarget(writer.db), options.clock.now(), options.migrations);
    syncFolder(directory);
  } catch (error) {
    writer?.close();
    lock.release();
    throw explainOpening(error, directory, file);
  }
  return new SqliteStore(directory, file, writer, lock, options);
}

/** SQLite's primary result codes that aren't the database's own fault. */
const locked = 5;
const environment = [3, 8, 10, 13, 14];

function explainOpening(error: unknown, directory: string, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (code === locked) return new StoreInUse(directory, undefined);
  if (environment.includes(code)) return new FolderUnusable(directory, error);
  return new DatabaseUnusable(
    `The database ${file} can't be opened (${reasonOf(error)}). Restore a backup, or move the file away to begin anew.`,
    { cause: error },
  );
}

class SqliteStore implements Store {
  readonly dialect = 'sqlite';
  readonly #directory: string;
  readonly #file: string;
  readonly #writer: SqliteConnection;
  readonly #lock: { release(): void };
  readonly #group: GroupCommit;
  readonly #readers: SqliteReaders;
  #closing: Promise<void> | undefined;

  constructor(
    directory: string,
    file: string,
    writer: SqliteConnection,
    lock: { release(): void },
    options: SqliteOptions,
  ) {
    this.#directory = directory;
    this.#file = file;
    this.#writer = writer;
    this.#lock = lock;
    this.#group = new GroupCommit({ ...options, language: sqliteLanguage, lane: sqliteLane(writer) });
    this.#readers = new SqliteReaders(file);
  }

  read: Store['read'] = (work) => this.#readers.read(work);
  write: Store['write'] = (work) => this.#group.write(work);
  gather: Store['gather'] = (path, item) => this.#group.gather(path, item);

  async backup(file: string, options: { files?: readonly string[] } = {}): Promise<void> {
    if (this.#closing) throw new StoreClosed();
    await writeBackup({ database: this.#file, directory: this.#directory, file, files: options.files ?? [] });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#group.close();
    await this.#readers.close();
    this.#writer.close();
    this.#lock.release();
  }
}

/** Opens the database for writing, with the settings on which durability rests. */
export function openWriter(file: string): SqliteConnection {
  const db = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    // A checkpoint writes each page once, however often it was changed since the last: 16 MB lie between them.
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;',
    );
    chmodSync(file, 0o600);
  } catch (error) {
    db.close();
    throw error;
  }
  return new SqliteConnection(db);
}

/** A database as `migrate` wants it. */
export function migrationTarget(db: DatabaseSync): MigrationTarget {
  return {
    dialect: 'sqlite',
    async transact(script) {
      db.exec('BEGIN IMMEDIATE');
      try {
        db.exec(script);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    query: async (sql) => db.prepare(sql).all(),
  };
}
