/** Backups: made while the server writes, read through, restored; and everything that must be refused. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import {
  BackupRefused,
  databaseFile,
  newestMigration,
  openStore,
  restoreBackup,
  type Store,
  StoreInUse,
  verifyBackup,
} from '../index.ts';

const root = mkdtempSync(join(tmpdir(), 'rollcall-backup-'));
after(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string) => join(root, name);
const open = (name: string) => openStore({ kind: 'sqlite', directory: at(name) });

const tag = (key: string) => ({ resource_type: 't', resource_id: 'r', key, value: 'x'.repeat(500) });
const put = (store: Store, ...keys: string[]) =>
  store.write(
    async (tx) =>
      void (await tx
        .in('r')
        .insertInto('tags')
        .values(keys.map((key) => tag(key)))
        .execute()),
  );

describe('A backup', () => {
  it('made while others write holds one moment, and comes back complete', async () => {
    const store = await open('busy');
    let writing = true;
    let written = 0;
    const writer = (async () => {
      // Each work writes a pair: a copy with half of one would be no single moment.
      for (; writing; written += 2) await put(store, `${written}`, `${written + 1}`);
    })();
    while (written < 20) await new Promise((resolve) => setImmediate(resolve));
    await store.backup(at('busy.backup'));
    writing = false;
    await writer;
    const contents = verifyBackup(at('busy.backup'));
    assert.equal(contents.migration, newestMigration);
    assert.ok(contents.rows.tags! >= 20 && contents.rows.tags! <= written);
    assert.equal(contents.rows.tags! % 2, 0);
    assert.deepEqual(contents.files, []);
    assert.equal(statSync(at('busy.backup')).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('busy.backup')),
      ['busy.backup'],
      'it is one file, and nothing is left beside it',
    );
    await store.close();

    await restoreBackup(at('busy.backup'), at('elsewhere'));
    const restored = await open('elsewhere');
    const [row] = await restored.read((tx) =>
      tx.everywhere
        .selectFrom('tags')
        .select((tags) => tags.fn.countAll().as('count'))
        .execute(),
    );
    assert.equal(row?.count, contents.rows.tags);
    await put(restored, 'and it goes on');
    await restored.close();
  });

  it('never overwrites a file, and leaves none behind when it fails', async () => {
    const store = await open('careful');
    writeFileSync(at('mine'), 'precious');
    await assert.rejects(store.backup(at('mine')), /There is a file .* already/);
    assert.equal(readFileSync(at('mine'), 'utf8'), 'precious');
    await assert.rejects(store.backup(at('no/such/folder/file')), BackupRefused);
    await assert.rejects(store.backup(at('incomplete'), { files: ['missing.key'] }), BackupRefused);
    assert.ok(!existsSync(at('incomplete')));
    for (const name of ['../careful/secrets.key', '.hidden', databaseFile]) {
      await assert.rejects(store.backup(at('incomplete'), { files: [name] }), BackupRefused);
    }
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('incomplete')),
      [],
    );
    await store.close();
  });

  it('carries secrets only when they are named, and gives them back for this user only', async () => {
    const store = await open('secretive');
    writeFileSync(join(at('secretive'), 'secrets.key'), Buffer.from([0, 1, 255]));
    await put(store, 'a');
    await store.backup(at('without'));
    await store.backup(at('with'), { files: ['secrets.key'] });
    await store.close();
    assert.deepEqual(verifyBackup(at('with')).files, ['secrets.key']);

    await restoreBackup(at('without'), at('new-without'));
    assert.ok(!existsSync(join(at('new-without'), 'secrets.key')));
    const done = await restoreBackup(at('with'), at('new-with'));
    assert.equal(done.putAside, undefined);
    const key = join(at('new-with'), 'secrets.key');
    assert.deepEqual([...readFileSync(key)], [0, 1, 255]);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const db = new DatabaseSync(join(at('new-with'), databaseFile), { readOnly: true });
    assert.equal(
      db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'backup_files'").get()?.n,
      0,
    );
    db.close();
  });

  it('is not restored over a running server, nor over a database unless told', async () => {
    const store = await open('target');
    await put(store, 'old');
    await store.backup(at('target.backup'));
    await put(store, 'newer');
    await assert.rejects(restoreBackup(at('target.backup'), at('target'), { replace: true }), StoreInUse);
    await store.close();
    await assert.rejects(restoreBackup(at('target.backup'), at('target')), /a database in .* already/);
    const done = await restoreBackup(at('target.backup'), at('target'), { replace: true });
    assert.ok(existsSync(join(done.putAside!, databaseFile)), 'what was there is put aside');
    const restored = await open('target');
    const keys = await restored.read((tx) => tx.in('r').selectFrom('tags').select('key').execute());
    assert.deepEqual(keys, [{ key: 'old' }]);
    await restored.close();
  });

  it('that is damaged, foreign or missing is told as such', async () => {
    const store = await open('whole');
    await put(store, ...Array.from({ length: 300 }, (_, index) => `${index}`));
    await store.backup(at('whole.backup'));
    await store.close();
    const bytes = readFileSync(at('whole.backup'));
    // Past the schema, so that only reading it all through finds it.
    bytes.fill(0xa5, bytes.length - 30_000, bytes.length - 20_000);
    writeFileSync(at('bent.backup'), bytes);
    writeFileSync(at('text.backup'), 'hello');
    new DatabaseSync(at('foreign.backup')).exec('CREATE TABLE t (a)');
    for (const name of ['bent.backup', 'text.backup', 'foreign.backup', 'absent.backup']) {
      assert.throws(() => verifyBackup(at(name)), BackupRefused, name);
      await assert.rejects(restoreBackup(at(name), at('never')), BackupRefused, name);
    }
    assert.ok(!existsSync(at('never')), 'nothing is half-made');
  });

  it('cannot lead out of the folder by the names in it', async () => {
    const store = await open('honest');
    await store.backup(at('crafted.backup'));
    await store.close();
    const db = new DatabaseSync(at('crafted.backup'));
    db.exec(
      "CREATE TABLE backup_files (name TEXT, content BLOB); INSERT INTO backup_files VALUES ('../evil', x'00')",
    );
    db.close();
    await assert.rejects(restoreBackup(at('crafted.backup'), at('victim')), BackupRefused);
    assert.ok(!existsSync(at('evil')));
  });
});
