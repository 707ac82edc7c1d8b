/** Kysely on `node:sqlite`: one open database, its prepared statements, and the SQL that SQLite speaks. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  type AndNode,
  type CompiledQuery,
  type DatabaseConnection,
  type QueryResult,
  SqliteAdapter,
  SqliteQueryCompiler,
} from 'kysely';
import { printAnd } from '../raw.ts';
import type { Language } from '../scope.ts';

class Compiler extends SqliteQueryCompiler {
  protected override visitAnd(node: AndNode): void {
    printAnd(
      node,
      (text) => this.append(text),
      (side) => this.visitNode(side),
    );
  }
}

export const sqliteLanguage: Language = {
  dialect: 'sqlite',
  compiler: new Compiler(),
  adapter: new SqliteAdapter(),
};

/** Statements with lists differ by the length of the list: kept are the ones used lately. */
const statementsKept = 300;

type Statement = { readonly prepared: StatementSync; readonly answers: boolean };

/** One open database. Statements run at once, on the caller's turn; the promises are Kysely's form. */
export class SqliteConnection implements DatabaseConnection {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { prepared, answers } = this.#statement(query.sql);
    const parameters = query.parameters as SQLInputValue[];
    if (answers) {
      // Rows come without a prototype; give them the ordinary one, as PostgreSQL's have.
      const rows = prepared.all(...parameters).map((row) => ({ ...row }));
      return { rows: rows as R[] };
    }
    const { changes, lastInsertRowid } = prepared.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Not used: the scope refuses streams.');
  }

  /** Runs a control statement. */
  run(sql: string): void {
    this.#statement(sql).prepared.run();
  }

  close(): void {
    this.#statements.clear();
    this.db.close();
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const prepared = this.db.prepare(sql);
    const statement = { prepared, answers: prepared.columns().length > 0 };
    if (this.#statements.size >= statementsKept) {
      const [oldest] = this.#statements.keys();
      this.#statements.delete(oldest!);
    }
    this.#statements.set(sql, statement);
    return statement;
  }
}
