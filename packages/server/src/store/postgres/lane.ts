/** The writer of a PostgreSQL store: one connection on which groups are committed, made anew when lost. */
import pg from 'pg';
import { StoreClosed, StoreUnavailable } from '../errors.ts';
import type { Lane } from '../group.ts';
import { clientConfig, PgConnection } from './connection.ts';
import { explainConnect, explainGroup, isConflict, isLoss } from './trouble.ts';

/**
 * Groups run serializable, so that works mean the same as on SQLite even when several servers write; what
 * the database can't put into an order is run again. With one server there is nothing to conflict with.
 */
export class PgLane implements Lane {
  readonly #url: string;
  readonly #address: string;
  #connection: PgConnection | undefined;
  #closed = false;

  constructor(url: string, address: string) {
    this.#url = url;
    this.#address = address;
  }

  get connection(): PgConnection {
    if (!this.#connection) throw new StoreUnavailable(`There is no connection to ${this.#address}.`);
    return this.#connection;
  }

  /** Connects unless connected; throws the typed error that says why not. */
  async connect(): Promise<PgConnection> {
    if (this.#closed) throw new StoreClosed();
    if (this.#connection) return this.#connection;
    const client = new pg.Client(clientConfig(this.#url));
    const connection = new PgConnection(client);
    const drop = () => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    client.on('error', drop);
    client.on('end', drop);
    try {
      await client.connect();
      // An administrator may have traded durability for speed; what is acknowledged here is on disk.
      await client.query(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
      );
    } catch (error) {
      client.end().catch(() => undefined);
      throw explainConnect(error, this.#address);
    }
    this.#connection = connection;
    return connection;
  }

  async begin(): Promise<void> {
    try {
      await this.connect();
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      throw new StoreUnavailable((error as Error).message, { cause: error });
    }
    this.connection.send('BEGIN ISOLATION LEVEL SERIALIZABLE');
  }

  async savepoint(): Promise<void> {
    this.connection.send('SAVEPOINT work');
  }

  async release(): Promise<void> {
    this.connection.send('RELEASE work');
  }

  async undo(): Promise<void> {
    this.connection.send('ROLLBACK TO work');
    this.connection.send('RELEASE work');
  }

  async commit(): Promise<void> {
    await this.connection.commit();
  }

  async rollback(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    try {
      await connection.client.query('ROLLBACK');
    } catch {
      this.#connection = undefined;
      (connection.client as pg.Client).end().catch(() => undefined);
    }
  }

  judge(error: unknown): 'harmless' | 'again' | 'gone' {
    if (isConflict(error)) return 'again';
    return this.#connection && !isLoss(error) ? 'harmless' : 'gone';
  }

  explain(error: unknown, during: 'work' | 'commit'): Error {
    return explainGroup(error, during, this.#address);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    await (connection?.client as pg.Client | undefined)?.end().catch(() => undefined);
  }
}
