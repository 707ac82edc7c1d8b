/**
 * The PostgreSQL store: one connection that writes in groups, a pool that reads, each read a snapshot of
 * its own. Any number of servers may share a database.
 */
import pg from 'pg';
import type { Clock } from '../../clock.ts';
import type { ReadTx, Store } from '../contract.ts';
import { BackupRefused, DatabaseAddressWrong, DatabaseUnusable, StoreClosed } from '../errors.ts';
import { GroupCommit, type GroupLimits, type GroupReport } from '../group.ts';
import { type Migration, migrate } from '../migrations/index.ts';
import { openReadScope } from '../scope.ts';
import { refuseWithin, runUnit } from '../unit.ts';
import { clientConfig, PgConnection, postgresLanguage } from './connection.ts';
import { PgLane } from './lane.ts';
import { codeOf, explainConnect, lost } from './trouble.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly limits?: GroupLimits;
  report(error: unknown): void;
  observe?(report: GroupReport): void;
  readonly migrations?: readonly Migration[];
}

const readConnections = 8;

/** Any number, but always the same one. */
const migrationLock = 7_265_114_001;

/** Opens the store at `url`. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const address = addressOf(options.url);
  await prepare(options, address);
  return new PostgresStore(new PgLane(options.url, address), address, options);
}

/** Brings the database up to date, on a connection of its own: an upgrade may take its time. */
async function prepare(options: PostgresOptions, address: string): Promise<void> {
  const { statement_timeout, query_timeout, ...config } = clientConfig(options.url);
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await checkEncoding(client, address);
    await migrateTogether(client, options);
  } catch (error) {
    const cause = error instanceof DatabaseUnusable && codeOf(error.cause) === '42501' ? error.cause : error;
    throw explainConnect(cause, address);
  } finally {
    client.end().catch(() => undefined);
  }
}

/** Host, port and database for people to read: never the password. Throws when the URL makes no sense. */
function addressOf(url: string): string {
  const wrong = (cause?: unknown) =>
    new DatabaseAddressWrong(
      'The address of the store is not one of PostgreSQL. It looks like postgres://USER:PASSWORD@HOST:5432/DATABASE.',
      { cause },
    );
  if (!/^postgres(ql)?:\/\//.test(url)) throw wrong();
  try {
    const { host, port, database } = new pg.Client({ connectionString: url });
    if (!database || !Number.isInteger(port)) throw wrong();
    return host.startsWith('/') ? `${host}/${database}` : `${host}:${port}/${database}`;
  } catch (error) {
    throw error instanceof DatabaseAddressWrong ? error : wrong(error);
  }
}

async function checkEncoding(client: pg.Client, address: string): Promise<void> {
  const { rows } = await client.query('SHOW server_encoding');
  if (rows[0].server_encoding !== 'UTF8') {
    throw new DatabaseUnusable(
      `The database at ${address} is encoded in ${rows[0].server_encoding}. Make one in UTF8: createdb --encoding UTF8 --template template0 NAME.`,
    );
  }
}

/** Servers that start together take turns. The lock goes with the connection. */
async function migrateTogether(client: pg.Client, options: PostgresOptions): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
  const target = {
    dialect: 'postgres' as const,
    // Several statements sent as one are one transaction.
    transact: async (script: string) => void (await client.query(script)),
    query: async (sql: string) => (await client.query(sql)).rows,
  };
  await migrate(target, options.clock.now(), options.migrations);
}

class PostgresStore implements Store {
  readonly dialect = 'postgres';
  readonly #lane: PgLane;
  readonly #address: string;
  readonly #group: GroupCommit;
  readonly #pool: pg.Pool;
  #closing: Promise<void> | undefined;

  constructor(lane: PgLane, address: string, options: PostgresOptions) {
    this.#lane = lane;
    this.#address = address;
    this.#group = new GroupCommit({ ...options, language: postgresLanguage, lane });
    this.#pool = new pg.Pool({ ...clientConfig(options.url), max: readConnections });
    // An idle connection that breaks is replaced when one is needed.
    this.#pool.on('error', () => undefined);
  }

  write: Store['write'] = (work) => this.#group.write(work);
  gather: Store['gather'] = (path, item) => this.#group.gather(path, item);

  async read<R>(work: (tx: ReadTx) => Promise<R>): Promise<R> {
    refuseWithin('read');
    if (this.#closing) throw new StoreClosed();
    const client = await this.#lend();
    const connection = new PgConnection(client);
    const scope = openReadScope(postgresLanguage, connection);
    try {
      connection.send('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return await runUnit('read', work, scope.tx);
    } catch (error) {
      throw connection.lost ? lost(connection.lost.error, this.#address) : error;
    } finally {
      scope.end();
      // The answer need not wait for the end of a transaction that changed nothing.
      client.query('ROLLBACK').then(
        () => client.release(),
        (error: Error) => client.release(error),
      );
    }
  }

  async backup(): Promise<void> {
    throw new BackupRefused(
      'A store on PostgreSQL is backed up by its own tools while servers run: pg_dump --format=custom --file FILE URL.',
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#group.close();
    await this.#pool.end();
    await this.#lane.close();
  }

  async #lend(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw explainConnect(error, this.#address);
    }
  }
}
