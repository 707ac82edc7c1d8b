/** The connections that read committed state: each read has one of its own, and sees one moment. */
import { DatabaseSync } from 'node:sqlite';
import type { ReadTx } from '../contract.ts';
import { StoreBusy, StoreClosed } from '../errors.ts';
import { openReadScope } from '../scope.ts';
import { refuseWithin, runUnit } from '../unit.ts';
import { SqliteConnection, sqliteLanguage } from './connection.ts';

/** As many reads as this run side by side; more take turns. */
const connectionsKept = 8;
/** Reads beyond this number are refused rather than kept waiting. */
const mostWaiting = 10_000;

/** Opens connections as they are needed, up to a few, and lends one to each read. */
export class SqliteReaders {
  readonly #file: string;
  readonly #idle: SqliteConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #lent = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async read<R>(work: (tx: ReadTx) => Promise<R>): Promise<R> {
    refuseWithin('read');
    if (this.#closed) throw new StoreClosed();
    if (this.#lent >= connectionsKept) {
      if (this.#waiting.length >= mostWaiting) {
        throw new StoreBusy(`The database is behind: ${mostWaiting} reads wait. Try again in a moment.`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#lent += 1;
    }
    const connection = this.#idle.pop() ?? this.#open();
    try {
      connection.run('BEGIN');
      const scope = openReadScope(sqliteLanguage, connection);
      try {
        return await runUnit('read', work, scope.tx);
      } finally {
        scope.end();
        if (connection.db.isTransaction) connection.run('COMMIT');
      }
    } finally {
      this.#idle.push(connection);
      this.#giveBack();
    }
  }

  /** Waits for the reads under way, then closes. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#lent > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  /** Hands the turn to who waits longest, or lowers the count. */
  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
      return;
    }
    this.#lent -= 1;
    if (this.#lent === 0) this.#drained?.();
  }

  #open(): SqliteConnection {
    try {
      return new SqliteConnection(new DatabaseSync(this.#file, { readOnly: true, timeout: 5000 }));
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }
}
