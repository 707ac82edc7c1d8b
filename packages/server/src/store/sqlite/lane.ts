/** The writer of a SQLite store: the one connection on which groups are committed. */

import { reasonOf, StoreUnavailable } from '../errors.ts';
import type { Lane } from '../group.ts';
import type { SqliteConnection } from './connection.ts';

/** Makes the lane of a connection that nobody else uses. */
export function sqliteLane(connection: SqliteConnection): Lane {
  return {
    connection,
    begin: async () => connection.run('BEGIN IMMEDIATE'),
    savepoint: async () => connection.run('SAVEPOINT work'),
    release: async () => connection.run('RELEASE work'),
    async undo() {
      connection.run('ROLLBACK TO work');
      connection.run('RELEASE work');
    },
    commit: async () => connection.run('COMMIT'),
    async rollback() {
      try {
        if (connection.db.isTransaction) connection.run('ROLLBACK');
      } catch {
        // The next BEGIN says what is wrong, to those who wait for it.
      }
    },
    // A full disk or a failing one ends the transaction by itself.
    judge: () => (connection.db.isTransaction ? 'harmless' : 'gone'),
    explain: (error) =>
      isSqliteError(error)
        ? new StoreUnavailable(
            `The database could not be written (${reasonOf(error)}); nothing was changed.`,
            {
              cause: error,
            },
          )
        : (error as Error),
  };
}

function isSqliteError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SQLITE_ERROR';
}
