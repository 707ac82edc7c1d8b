/** A server's folder: who may have it, and what is said when it can't be used. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { sql } from 'kysely';
import {
  DatabaseNewer,
  DatabaseUnusable,
  databaseFile,
  FolderUnusable,
  newestMigration,
  openStore,
  StoreInUse,
} from '../index.ts';

const root = mkdtempSync(join(tmpdir(), 'rollcall-folder-'));
after(() => rmSync(root, { recursive: true, force: true }));
const place = (name: string) => ({ kind: 'sqlite' as const, directory: join(root, name) });

/** A process of its own that opens the store and writes one row; `ready` when the row is acknowledged. */
const holder = `
  const { openStore } = await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)});
  const store = await openStore({ kind: 'sqlite', directory: process.argv[1] });
  await store.write((tx) => tx.everywhere.insertInto('servers')
    .values({ server_id: 'holder', started_at: 1, lease_until: 1, stopped_at: null }).execute());
  console.log('ready');
  setInterval(() => undefined, 1000);
`;

describe('The folder of a SQLite store', () => {
  it('belongs to one server, and is free at once when that one is killed', async () => {
    const { directory } = place('held');
    const child = spawn(process.execPath, ['--input-type=module', '-e', holder, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout!, 'data');
      await assert.rejects(openStore(place('held')), (error: StoreInUse) => {
        assert.ok(error instanceof StoreInUse);
        assert.equal(error.pid, child.pid);
        assert.match(error.message, new RegExp(`in use by the server with process id ${child.pid}`));
        return true;
      });
    } finally {
      await kill(child);
    }
    const store = await openStore(place('held'));
    const rows = await store.read((tx) => tx.everywhere.selectFrom('servers').selectAll().execute());
    assert.deepEqual(
      rows.map((row) => row.server_id),
      ['holder'],
    );
    await assert.rejects(openStore(place('held')), StoreInUse);
    await store.close();
    const again = await openStore(place('held'));
    await again.close();
  });

  it('is closed to other users, and the database in it is durable', async () => {
    const store = await openStore(place('private'));
    assert.equal(statSync(join(root, 'private')).mode & 0o777, 0o700);
    assert.equal(statSync(join(root, 'private', databaseFile)).mode & 0o777, 0o600);
    await store.write(async (tx) => {
      const { rows } = await sql<{ synchronous: number; foreign_keys: number; journal_mode: string }>`
          select * from pragma_synchronous, pragma_foreign_keys, pragma_journal_mode`.execute(tx.everywhere);
      assert.deepEqual(rows, [{ synchronous: 2, foreign_keys: 1, journal_mode: 'wal' }]);
    });
    await store.close();
  });

  it('on a full disk refuses what does not fit, and works on when there is room', async () => {
    const store = await openStore(place('full'));
    const put = (server_id: string) =>
      store.write((tx) =>
        tx.everywhere
          .insertInto('servers')
          .values({ server_id, started_at: 1, lease_until: 1, stopped_at: null })
          .execute(),
      );
    await put('before');
    // A limit on the file's pages is to SQLite what a full disk is.
    const limit = (pages: number) =>
      store.write((tx) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(tx.everywhere));
    await limit(1);
    const results = await Promise.allSettled([put('x'.repeat(100_000)), put('y'.repeat(100_000))]);
    for (const result of results) {
      assert.match(String((result as PromiseRejectedResult).reason), /full/);
    }
    await limit(1_000_000);
    await put('after');
    const rows = await store.read((tx) => tx.everywhere.selectFrom('servers').select('server_id').execute());
    assert.deepEqual(rows.map((row) => row.server_id).sort(), ['after', 'before']);
    await store.close();
  });

  it('that cannot be made or is a file is told in one sentence', async () => {
    writeFileSync(join(root, 'file'), 'x');
    for (const name of ['file', 'file/below']) {
      await assert.rejects(openStore(place(name)), (error: Error) => {
        assert.ok(error instanceof FolderUnusable);
        assert.match(error.message, /can't be used \(.*\)\. Choose another folder/);
        return true;
      });
    }
  });

  it('with a newer database is left as it is', async () => {
    await (await openStore(place('newer'))).close();
    const file = join(root, 'newer', databaseFile);
    const db = new DatabaseSync(file);
    db.exec(`INSERT INTO migrations VALUES (${newestMigration + 7}, 'of the future', 1)`);
    db.close();
    await assert.rejects(openStore(place('newer')), (error: DatabaseNewer) => {
      assert.ok(error instanceof DatabaseNewer);
      assert.equal(error.found, newestMigration + 7);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
  });

  it('with a file that is no database says so, and keeps the file', async () => {
    await (await openStore(place('broken'))).close();
    const file = join(root, 'broken', databaseFile);
    writeFileSync(file, 'this is not a database, whatever its name says'.repeat(100));
    await assert.rejects(openStore(place('broken')), DatabaseUnusable);
    assert.match(readFileSync(file, 'utf8'), /^this is not/);
    // The folder isn't held after a failed start.
    await assert.rejects(openStore(place('broken')), DatabaseUnusable);
  });
});

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
