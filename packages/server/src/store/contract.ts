/**
 * What the store promises, in either dialect. Nobody outside this folder holds a connection: a unit of
 * work gets a `tx`, waits for nothing but that `tx`, and may be run again from its start.
 */
import type {
  DeleteQueryBuilder,
  DeleteResult,
  Insertable,
  InsertQueryBuilder,
  InsertResult,
  Kysely,
  SelectQueryBuilder,
  UpdateQueryBuilder,
  UpdateResult,
} from 'kysely';
import type { Tables } from './schema.ts';

/** Which engine is underneath; only `sql` fragments that differ may ask. */
export type Dialect = 'sqlite' | 'postgres';

/** Tables that carry a region as the first column of their key. */
export type RegionalTable = {
  [T in keyof Tables]: 'region' extends keyof Tables[T] ? T : never;
}[keyof Tables];

/** A row of a regional table, without the region: that is filled in. */
export type OmitRegion<T extends RegionalTable> = Omit<Insertable<Tables[T]>, 'region'>;

/** One region's rows. Every statement begun here is limited to the region already. */
export interface Regional {
  readonly region: string;
  selectFrom<T extends RegionalTable>(table: T): SelectQueryBuilder<Tables, T, object>;
  insertInto<T extends RegionalTable>(
    table: T,
  ): { values(rows: OmitRegion<T> | readonly OmitRegion<T>[]): InsertQueryBuilder<Tables, T, InsertResult> };
  updateTable<T extends RegionalTable>(table: T): UpdateQueryBuilder<Tables, T, T, UpdateResult>;
  deleteFrom<T extends RegionalTable>(table: T): DeleteQueryBuilder<Tables, T, DeleteResult>;
}

/** Committed state, as of one moment. */
export interface ReadTx {
  readonly dialect: Dialect;
  in(region: string): Regional;
  /** All regions at once: for sweeps, and for tables that have no region. */
  readonly everywhere: Kysely<Tables>;
}

/** A unit of work that will be committed, alone or with others that waited with it. */
export interface WriteTx extends ReadTx {
  /** Runs once the work is on disk; the only place for wake-ups, acknowledgements and sockets. */
  afterCommit(run: () => void): void;
}

/** A hot path: single items handed in one by one, written many at a time as one statement. */
export interface Gathered<Item, Result> {
  readonly name: string;
  /** Writes all items; answers one result for each, in order. */
  write(tx: WriteTx, items: readonly Item[]): Promise<readonly Result[]>;
}

/** The store: SQLite or PostgreSQL, one contract. */
export interface Store {
  readonly dialect: Dialect;
  /** Reads committed state. */
  read<R>(work: (tx: ReadTx) => Promise<R>): Promise<R>;
  /** Resolves when the work is on disk. Rejects, changing nothing, when `work` throws. */
  write<R>(work: (tx: WriteTx) => Promise<R>): Promise<R>;
  /** Hands one item to a hot path; resolves with its result when it is on disk. */
  gather<Item, Result>(path: Gathered<Item, Result>, item: Item): Promise<Result>;
  /**
   * A consistent copy into a new file, made while the server runs (SQLite only; PostgreSQL has its own).
   * `files` names secrets in the server's folder that go with it; without them it holds none in the clear.
   */
  backup(file: string, options?: { readonly files?: readonly string[] }): Promise<void>;
  close(): Promise<void>;
}
