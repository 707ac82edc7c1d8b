/** The writer of a PostgreSQL store: one connection on which groups are committed, made anew when lost. */
import pg from 'pg';
import { StoreClosed, StoreUnavailable } from '../errors.ts';
import type { Lane } from '../group.ts';
import { clientConfig, PgConnection } from './connection.ts';
import { explainConnect, explainGroup, isConflict } from './trouble.ts';

/**
 * Groups run serializable, so that works mean the same as on SQLite even when several servers write; what
 * the database can't put into an order is run again. With one server there is nothing to conflict with.
 */
export class PgLane implements Lane {
  readonly #url: string;
  readonly #address: string;
  #connection: PgConnection | undefined;
  /** How the connection of the present group broke, if it did. */
  #loss: { readonly error: unknown } | undefined;
  #closed = false;

  constructor(url: string, address: string) {
    this.#url = url;
    this.#address = address;
  }

  get connection(): PgConnection {
    if (!this.#connection) throw new StoreUnavailable(`There is no connection to ${this.#address}.`);
    return this.#connection;
  }

  async begin(): Promise<void> {
    this.#loss = undefined;
    this.#connection ??= await this.#connect();
    this.#connection.send('BEGIN ISOLATION LEVEL SERIALIZABLE');
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
    } catch (error) {
      this.#drop(connection, error);
    }
  }

  judge(error: unknown): 'harmless' | 'again' | 'gone' {
    if (!this.#connection || this.#connection.lost) return 'gone';
    return isConflict(error) ? 'again' : 'harmless';
  }

  explain(error: unknown, during: 'work' | 'commit'): Error {
    return explainGroup(this.#loss?.error ?? error, during, this.#address);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    await (connection?.client as pg.Client | undefined)?.end().catch(() => undefined);
  }

  async #connect(): Promise<PgConnection> {
    if (this.#closed) throw new StoreClosed();
    const client = new pg.Client(clientConfig(this.#url));
    const connection = new PgConnection(client);
    client.on('error', (error) => this.#drop(connection, error));
    client.on('end', () => this.#drop(connection, new Error('Connection terminated')));
    try {
      await client.connect();
      // An administrator may have traded durability for speed; what is acknowledged here is on disk.
      await client.query(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
      );
    } catch (error) {
      client.end().catch(() => undefined);
      const explained = explainConnect(error, this.#address);
      // While a server runs, a password that was changed is an outage like any other.
      throw explained instanceof StoreUnavailable
        ? explained
        : new StoreUnavailable(explained.message, { cause: explained });
    }
    return connection;
  }

  /** Forgets a connection that broke; the next group makes another. */
  #drop(connection: PgConnection, error: unknown): void {
    connection.lost ??= { error };
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#loss = connection.lost;
    (connection.client as pg.Client).end().catch(() => undefined);
  }
}
