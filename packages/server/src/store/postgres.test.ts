/** PostgreSQL keeps the contract, also where the database sorts by language, and outlives lost connections. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { contractSuite } from './contract.case.ts';
import {
  AccessToDatabaseRefused,
  DatabaseAddressWrong,
  DatabaseUnusable,
  openStore,
  type Store,
  StoreUnavailable,
} from './index.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

contractSuite('PostgreSQL that sorts by language', async (options) =>
  openStore({ kind: 'postgres', url: await server.createDatabase({ collation: 'linguistic' }) }, options),
);

describe('A store on PostgreSQL', () => {
  const put = (store: Store, name: string) =>
    store.write((tx) =>
      tx.everywhere
        .insertInto('servers')
        .values({ server_id: name, started_at: 1, lease_until: 1, stopped_at: null })
        .execute(),
    );
  const names = (store: Store) =>
    store.read(async (tx) =>
      (await tx.everywhere.selectFrom('servers').select('server_id').orderBy('server_id').execute()).map(
        (row) => row.server_id,
      ),
    );

  it('recovers by itself when its connections are cut', async () => {
    const url = await server.createDatabase();
    const store = await openStore({ kind: 'postgres', url });
    await put(store, 'before');
    await names(store);
    await assert.rejects(
      store.write(async (tx) => {
        await tx.everywhere.selectFrom('servers').selectAll().execute();
        await cutAll(url);
        await tx.everywhere.selectFrom('servers').selectAll().execute();
      }),
      (error: StoreUnavailable) => error instanceof StoreUnavailable && error.outcome === 'unchanged',
    );
    await put(store, 'after');
    assert.deepEqual(await names(store), ['after', 'before']);
    await store.close();
  });

  it('works on after the server crashed and came back', async () => {
    const store = await openStore({ kind: 'postgres', url: server.url });
    await put(store, 'one');
    await server.crash();
    await assert.rejects(put(store, 'two'), StoreUnavailable);
    await assert.rejects(names(store), StoreUnavailable);
    await server.restart();
    await put(store, 'three');
    assert.deepEqual(await names(store), ['one', 'three']);
    await store.close();
  });

  it('shares a database among servers without losing a change', async () => {
    const url = await server.createDatabase();
    const [first, second] = await Promise.all([
      openStore({ kind: 'postgres', url }),
      openStore({ kind: 'postgres', url }),
    ]);
    await put(first, 'counter');
    const raise = (store: Store) =>
      store.write(async (tx) => {
        const row = await tx.everywhere.selectFrom('servers').selectAll().executeTakeFirstOrThrow();
        await tx.everywhere
          .updateTable('servers')
          .set({ lease_until: row.lease_until + 1 })
          .execute();
      });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([first, second].flatMap((store) => [raise(store), raise(store)]));
    }
    const row = await first.read((tx) =>
      tx.everywhere.selectFrom('servers').selectAll().executeTakeFirstOrThrow(),
    );
    assert.equal(row.lease_until, 21);
    await Promise.all([first.close(), second.close()]);
  });

  it('says in one sentence why it cannot be opened, never with the password', async () => {
    const cases: [string, new (...rest: never[]) => Error, RegExp][] = [
      ['mysql://u:secret@localhost/x', DatabaseAddressWrong, /looks like postgres:\/\//],
      ['postgres://u:secret@localhost:port/x', DatabaseAddressWrong, /looks like postgres:\/\//],
      [
        server.url.replace('test-only', 'secret'),
        AccessToDatabaseRefused,
        /refused the user name or the password/,
      ],
      [server.url.replace(':test-only', ''), AccessToDatabaseRefused, /asks for a password/],
      [server.url.replace('/test_1', '/nowhere'), DatabaseAddressWrong, /no such database/],
      [
        'postgres://u:secret@127.0.0.1:1/x',
        StoreUnavailable,
        /127\.0\.0\.1:1\/x can't be reached \(nothing listens/,
      ],
      ['postgres://u:secret@no.invalid/x', StoreUnavailable, /does not resolve/],
      [`postgres://u:secret@localhost/x?host=/nowhere`, StoreUnavailable, /can't be reached/],
    ];
    for (const [url, type, text] of cases) {
      await assert.rejects(openStore({ kind: 'postgres', url }), (error: Error) => {
        assert.ok(error instanceof type, `${url}: ${error.stack}`);
        assert.match(error.message, text);
        assert.doesNotMatch(error.message, /secret|test-only/);
        return true;
      });
    }
  });

  it('leaves the database of another program as it was', async () => {
    const url = await server.createDatabase();
    await query(url, 'CREATE TABLE users (id int)');
    await assert.rejects(openStore({ kind: 'postgres', url }), DatabaseUnusable);
    const tables = await query(url, "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'");
    assert.ok(tables[0]!.n <= 2);
  });
});

async function query(url: string, text: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function cutAll(url: string): Promise<void> {
  await query(
    url,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
}
