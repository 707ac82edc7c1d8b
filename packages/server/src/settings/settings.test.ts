/** Settings: what people may set, and when it counts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { manualClock } from '../clock.ts';
import { Refusal } from '../service/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { openSettings } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'rollcall-settings-'));
const clock = manualClock();
let store: Store;
before(async () => {
  store = await openStore({ kind: 'sqlite', directory }, { clock });
});
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

test('a setting has its default until changed, and the change is found again', async () => {
  const settings = await openSettings({ store, clock });
  assert.equal(settings.get('early-loss'), true);
  assert.equal(settings.get('retention-audit-days'), 400);
  await store.write(async (tx) => {
    await settings.put(tx, 'early-loss', 'off', 'arn:x');
    await settings.put(tx, 'retention-audit-days', '30', 'arn:x');
    assert.equal(settings.get('early-loss'), true, 'not before it is committed');
  });
  assert.equal(settings.get('early-loss'), false);
  const again = await openSettings({ store, clock });
  assert.deepEqual([again.get('early-loss'), again.get('retention-audit-days')], [false, 30]);
  await store.write((tx) => again.put(tx, 'early-loss', 'default', 'arn:x'));
  assert.equal(again.get('early-loss'), true);
  await settings.refresh();
  assert.equal(settings.get('early-loss'), true);
  settings.close();
});

test('a change that is rolled back never counts', async () => {
  const settings = await openSettings({ store, clock });
  await assert.rejects(
    store.write(async (tx) => {
      await settings.put(tx, 'key-grace-hours', '1', 'arn:x');
      throw new Error('no');
    }),
  );
  assert.equal(settings.get('key-grace-hours'), 168);
});

test('a wrong name or value is refused with those that there are', async () => {
  const settings = await openSettings({ store, clock });
  const put = (name: string, value: string) =>
    store
      .write((tx) => settings.put(tx, name, value, 'arn:x'))
      .then(
        () => 'taken',
        (error) => (error instanceof Refusal ? error.message : error),
      );
  assert.match(await put('no-such', '1'), /There are: activation-guess-limit, early-loss/);
  assert.match(await put('toString', '1'), /There is no setting/);
  assert.match(await put('early-loss', 'true'), /can be on, off; or default, which is on\./);
  for (const value of ['', '0', '3651', '1.5', '-1', '1e3', ' 7', 'x'.repeat(1000)]) {
    assert.match(await put('retention-audit-days', value), /a whole number from 1 to 3650/, value);
  }
});

test('what other folders keep in the table is left alone, and what makes no sense is as good as none', async () => {
  const rows = [
    { name: 'presence.mass-losses', value: '[]' },
    { name: 'node-credential-minutes', value: 'soon' },
  ].map((row) => ({ ...row, changed_at: 0, changed_by: '' }));
  await store.write(async (tx) => void (await tx.in('').insertInto('settings').values(rows).execute()));
  const settings = await openSettings({ store, clock });
  assert.equal(settings.get('node-credential-minutes'), 60);
  const listed = settings.list();
  assert.deepEqual(
    listed.find(({ name }) => name === 'node-credential-minutes'),
    {
      name: 'node-credential-minutes',
      value: '60',
      default: '60',
      allowed: 'a whole number from 15 to 720',
      description: 'Minutes for which the credentials that a node is issued are valid.',
    },
  );
  assert.ok(!listed.some(({ name }) => (name as string) === 'presence.mass-losses'));
});

test('on PostgreSQL the change of another server counts after two seconds', async () => {
  const shared = { ...store, read: store.read, write: store.write, dialect: 'postgres' } as Store;
  const mine = await openSettings({ store: shared, clock });
  const theirs = await openSettings({ store, clock });
  await store.write((tx) => theirs.put(tx, 'activation-guess-limit', '3', 'arn:x'));
  assert.equal(mine.get('activation-guess-limit'), 20);
  clock.advance(2000);
  await store.read(async () => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(mine.get('activation-guess-limit'), 3);
  mine.close();
});
