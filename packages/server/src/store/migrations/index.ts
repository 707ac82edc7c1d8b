/**
 * Brings a database to the schema of this program: numbered steps, each in a transaction of its own
 * together with its line in `migrations`, so that an interrupted upgrade goes on where it stopped.
 */
import type { Dialect } from '../contract.ts';
import { DatabaseNewer, DatabaseUnusable, reasonOf } from '../errors.ts';
import { foundation } from './0001-foundation.ts';
import { documents } from './0002-documents.ts';
import { commands } from './0003-commands.ts';
import { roster } from './0004-roster.ts';

/** One step. A number once released never changes its meaning. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** SQL for both engines, or one text for each. `TEXT` is made byte-ordered on PostgreSQL. */
  readonly sql: string | Readonly<Record<Dialect, string>>;
}

/** All steps, oldest first. */
export const migrations: readonly Migration[] = [
  { number: 1, name: 'foundation', sql: foundation },
  { number: 2, name: 'documents', sql: documents },
  { number: 3, name: 'commands', sql: commands },
  { number: 4, name: 'roster', sql: roster },
];

/** The newest schema that this program knows. */
export const newestMigration = migrations.at(-1)!.number;

/** A connection that can run scripts, which nobody else uses meanwhile. */
export interface MigrationTarget {
  readonly dialect: Dialect;
  /** Runs several statements as one transaction. */
  transact(script: string): Promise<void>;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
}

const bookkeeping =
  'CREATE TABLE IF NOT EXISTS migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);';

/** Applies what is missing. Throws `DatabaseNewer`, changing nothing, when the database is ahead. */
export async function migrate(
  target: MigrationTarget,
  now: number,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  await target.transact(inDialect(bookkeeping, target.dialect));
  const [row] = await target.query('SELECT max(number) AS newest FROM migrations');
  const found = Number(row?.newest ?? 0);
  const known = steps.at(-1)?.number ?? 0;
  if (found > known) throw new DatabaseNewer(found, known);
  for (const step of steps) {
    if (step.number <= found) continue;
    const sql = typeof step.sql === 'string' ? step.sql : step.sql[target.dialect];
    const line = `INSERT INTO migrations (number, name, applied_at) VALUES (${step.number}, '${step.name}', ${now});`;
    try {
      await target.transact(`${inDialect(sql, target.dialect)}\n${line}`);
    } catch (error) {
      throw new DatabaseUnusable(
        `The database could not be brought to schema ${step.number} (${reasonOf(error)}); it is as it was. If it belongs to another program, give Rollcall one of its own.`,
        { cause: error },
      );
    }
  }
}

/**
 * PostgreSQL sorts text by the database's language unless told otherwise, where both engines are to sort by
 * bytes; and it has another name for bytes.
 */
function inDialect(sql: string, dialect: Dialect): string {
  if (dialect === 'sqlite') return sql;
  return sql.replace(/\bTEXT\b/g, 'TEXT COLLATE "C"').replace(/\bBLOB\b/g, 'BYTEA');
}
