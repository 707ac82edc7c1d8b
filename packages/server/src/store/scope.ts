/**
 * Makes the `tx` that a unit of work gets: Kysely on the one connection that the work may use for as
 * long as it runs, and the builders that stay within a region.
 */
import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type DialectAdapter,
  DummyDriver,
  Kysely,
  type Dialect as KyselyDialect,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Dialect, ReadTx, Regional, WriteTx } from './contract.ts';
import { StoreMisused } from './errors.ts';
import type { Tables } from './schema.ts';

/** What differs between the engines when SQL is written. */
export interface Language {
  readonly dialect: Dialect;
  readonly compiler: QueryCompiler;
  readonly adapter: DialectAdapter;
}

/** A tx and the strings by which the store holds it. */
export interface Scope<T extends ReadTx> {
  readonly tx: T;
  /** The first statement that failed. A work with one fails, even when it caught the error. */
  readonly failure: { readonly error: unknown } | undefined;
  /** From now on every use of the tx is an error. */
  end(): void;
}

/** Transactions are the store's own business: a work that begins one has a bug. */
class NoTransactions extends DummyDriver {
  override async beginTransaction(): Promise<void> {
    throw new StoreMisused('A unit of work is a transaction already; it cannot begin another.');
  }
}

const driver = new NoTransactions();

/** Kysely wants a dialect, but asks it for nothing when it is given an executor. */
const inert: KyselyDialect = {
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => driver,
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
};

/** One work's use of a connection: it ends with the work, or with its first failing statement. */
class Lease implements DatabaseConnection, ConnectionProvider {
  failure: { readonly error: unknown } | undefined;
  #connection: DatabaseConnection | undefined;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  provideConnection<T>(consumer: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    return consumer(this);
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.#connection) throw new StoreMisused('A tx was used after its unit of work had ended.');
    if (this.failure) throw this.failure.error;
    try {
      for (const value of query.parameters) checkParameter(value);
      return await this.#connection.executeQuery<R>(query);
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new StoreMisused('A unit of work reads pages, not streams.');
  }

  end(): void {
    this.#connection = undefined;
  }
}

/** Refuses, in both engines alike, what only one of them could keep. */
function checkParameter(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new StoreMisused('Text with a NUL character cannot be kept.');
  } else if (
    typeof value !== 'number' &&
    typeof value !== 'bigint' &&
    value !== null &&
    !(value instanceof Uint8Array)
  ) {
    throw new StoreMisused(`A statement was given a parameter of type ${typeof value}.`);
  }
}

/** Makes a tx for reading on `connection`. */
export function openReadScope(language: Language, connection: DatabaseConnection): Scope<ReadTx> {
  const lease = new Lease(connection);
  const everywhere = kyselyOn(language, lease);
  return scopeOf(lease, {
    dialect: language.dialect,
    everywhere,
    in: (region) => regional(everywhere, region),
  });
}

/** Makes a tx for writing on `connection`; what is handed to `tx.afterCommit` goes to `callbacks`. */
export function openWriteScope(
  language: Language,
  connection: DatabaseConnection,
  callbacks: (() => void)[],
): Scope<WriteTx> {
  const lease = new Lease(connection);
  const everywhere = kyselyOn(language, lease);
  return scopeOf(lease, {
    dialect: language.dialect,
    everywhere,
    in: (region) => regional(everywhere, region),
    afterCommit: (run) => void callbacks.push(run),
  });
}

function scopeOf<T extends ReadTx>(lease: Lease, tx: T): Scope<T> {
  return {
    tx,
    get failure() {
      return lease.failure;
    },
    end: () => lease.end(),
  };
}

function kyselyOn(language: Language, provider: ConnectionProvider): Kysely<Tables> {
  const { adapter, compiler } = language;
  return new Kysely<Tables>({
    config: { dialect: inert },
    dialect: inert,
    driver,
    executor: new DefaultQueryExecutor(compiler, adapter, provider),
  });
}

/** The builders of one region. The column is qualified, so that joins stay unambiguous. */
function regional(everywhere: Kysely<Tables>, region: string): Regional {
  // The names of tables are only known where these are called; there the contract types them.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const db = everywhere as Kysely<any>;
  const limited = {
    region,
    selectFrom: (table: string) => db.selectFrom(table).where(`${table}.region`, '=', region),
    insertInto: (table: string) => ({
      values: (rows: object | readonly object[]) =>
        db
          .insertInto(table)
          .values(
            Array.isArray(rows) ? rows.map((row: object) => ({ ...row, region })) : { ...rows, region },
          ),
    }),
    updateTable: (table: string) => db.updateTable(table).where(`${table}.region`, '=', region),
    deleteFrom: (table: string) => db.deleteFrom(table).where(`${table}.region`, '=', region),
  };
  return limited as unknown as Regional;
}
