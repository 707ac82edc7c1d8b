/** Kysely on `pg`: one connection, its control statements, and the SQL that PostgreSQL speaks. */
import {
  type AndNode,
  type CompiledQuery,
  type DatabaseConnection,
  PostgresAdapter,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import pg from 'pg';
import { printAnd } from '../raw.ts';
import type { Language } from '../scope.ts';
import { isLoss } from './trouble.ts';

class Compiler extends PostgresQueryCompiler {
  protected override visitAnd(node: AndNode): void {
    printAnd(
      node,
      (text) => this.append(text),
      (side) => this.visitNode(side),
    );
  }
}

export const postgresLanguage: Language = {
  dialect: 'postgres',
  compiler: new Compiler(),
  adapter: new PostgresAdapter(),
};

const int8 = 20;
const numeric = 1700;

/** How connections are made: counters and times are numbers, and a silent server is given up in the end. */
export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'rollcall',
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    // Control statements travel with the statement that follows them, not in a round trip of their own.
    pipeline: true,
    statement_timeout: 30_000,
    query_timeout: 40_000,
    idle_in_transaction_session_timeout: 60_000,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format)) as never,
    },
  };
}

/** One connection while somebody holds it. */
export class PgConnection implements DatabaseConnection {
  readonly client: pg.Client | pg.PoolClient;
  /** Why the connection is of no use any more. Told by itself only: a work may throw what it likes. */
  lost: { readonly error: unknown } | undefined;

  constructor(client: pg.Client | pg.PoolClient) {
    this.client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount, command } = await this.#ask(query.sql, [...query.parameters]);
    if (command === 'SELECT' || rowCount === null) return { rows };
    return { rows, numAffectedRows: BigInt(rowCount) };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Not used: the scope refuses streams.');
  }

  /** Sends a control statement without waiting: when it fails, so does what follows it. */
  send(sql: string): void {
    this.#ask(sql).catch(() => undefined);
  }

  /** Commits. PostgreSQL answers `ROLLBACK` when a statement before had failed. */
  async commit(): Promise<void> {
    const { command } = await this.#ask('COMMIT');
    if (command !== 'COMMIT') throw new Error('The transaction was rolled back by the database.');
  }

  async #ask(sql: string, parameters?: unknown[]): Promise<pg.QueryResult> {
    try {
      return await this.client.query(sql, parameters);
    } catch (error) {
      if (isLoss(error)) this.lost ??= { error };
      throw error;
    }
  }
}
