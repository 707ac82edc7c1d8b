/** The part of the contract that is about rows: regions, gathered items, values and their order. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sql } from 'kysely';
import { addTag, fresh, keysIn, tag } from './contract-rows.case.ts';
import {
  type Gathered,
  isDuplicate,
  type OmitRegion,
  rowsOf,
  type Store,
  StoreMisused,
  type WriteTx,
} from './index.ts';

export function regionCases(get: () => Store): void {
  it('shows and changes nothing of another region', async () => {
    const store = get();
    const [here, there] = [fresh(), fresh()];
    await store.write(async (tx) => {
      await addTag(tx, here, 'same', 'here');
      await addTag(tx, there, 'same', 'there');
    });
    const valuesIn = (region: string) =>
      store.read(async (tx) =>
        (await tx.in(region).selectFrom('tags').select('value').execute()).map((row) => row.value),
      );
    await store.write(async (tx) => {
      const done = await tx.in(here).updateTable('tags').set({ value: 'changed' }).executeTakeFirst();
      assert.equal(done.numUpdatedRows, 1n);
    });
    assert.deepEqual([await valuesIn(here), await valuesIn(there)], [['changed'], ['there']]);
    await store.write(async (tx) => void (await tx.in(here).deleteFrom('tags').execute()));
    assert.deepEqual([await valuesIn(here), await valuesIn(there)], [[], ['there']]);
  });

  it('keeps to the region when a condition is written by hand with an "or"', async () => {
    const store = get();
    const [here, there] = [fresh(), fresh()];
    await store.write(async (tx) => {
      await addTag(tx, here, 'a');
      await addTag(tx, there, 'b');
    });
    const rows = await store.read((tx) =>
      tx.in(here).selectFrom('tags').select('key').where(sql<boolean>`key = 'a' or key = 'b'`).execute(),
    );
    assert.deepEqual(rows, [{ key: 'a' }]);
    await store.write(
      async (tx) => void (await tx.in(here).deleteFrom('tags').where(sql<boolean>`1 = 1 or 1 = 1`).execute()),
    );
    assert.deepEqual(await keysIn(store, there), ['b']);
  });

  it('files a row under its own region, whatever the row says', async () => {
    const store = get();
    const [here, there] = [fresh(), fresh()];
    const row = { ...tag('a'), region: there } as OmitRegion<'tags'>;
    await store.write(async (tx) => void (await tx.in(here).insertInto('tags').values([row]).execute()));
    assert.deepEqual(await keysIn(store, here), ['a']);
    assert.deepEqual(await keysIn(store, there), []);
  });
}

export function gatherCases(get: () => Store): void {
  /** Writes tags by one statement; answers their numbers in the group. Refuses the key `bad`. */
  const path = (region: string, groups: string[][] = []): Gathered<string, number> => ({
    name: 'tags',
    async write(tx, keys) {
      groups.push([...keys]);
      const rows = rowsOf(
        tx,
        'item',
        keys.map((key) => ({ key, at: 1_767_225_600_000 })),
        { key: 'text', at: 'bigint' },
      );
      await sql`insert into tags (region, resource_type, resource_id, key, value)
        select ${sql.lit(region)}, 't', 'r', item.key, item.at from ${rows} where true`.execute(
        tx.everywhere,
      );
      if (keys.includes('bad')) throw new Error('bad item');
      return keys.map((_, index) => index);
    },
  });

  it('writes items that came together as one, in order, and answers each', async () => {
    const store = get();
    const region = fresh();
    const groups: string[][] = [];
    const tags = path(region, groups);
    const answers = await Promise.all(['c', 'a', 'b'].map((key) => store.gather(tags, key)));
    assert.deepEqual(answers, [0, 1, 2]);
    assert.deepEqual(groups, [['c', 'a', 'b']]);
    const rows = await store.read((tx) =>
      tx.in(region).selectFrom('tags').select(['key', 'value']).orderBy('key').execute(),
    );
    assert.deepEqual(rows[0], { key: 'a', value: '1767225600000' });
    assert.equal(rows.length, 3);
  });

  it('carries rows of values into a statement as they are', async () => {
    const store = get();
    const texts = [
      '',
      '007',
      'null',
      '{"a":[1]}',
      '[]',
      'a "quoted" \\ back\nline\t',
      'é 日本 💥',
      '\u0001\u2028',
    ];
    const rows: { text: string | null; whole: number | undefined }[] = [
      ...texts.map((text, index) => ({ text, whole: index % 2 === 0 ? -index : Number.MAX_SAFE_INTEGER })),
      { text: null, whole: undefined },
    ];
    const found = await store.read((tx) =>
      sql`select item.text, item.whole from ${rowsOf(tx, 'item', rows, { text: 'text', whole: 'bigint' })}`.execute(
        tx.everywhere,
      ),
    );
    const expected = rows.map(({ text, whole }) => ({ text, whole: whole === undefined ? null : whole + 0 }));
    assert.deepEqual(found.rows, expected);
  });

  it('lets a bad item harm only itself', async () => {
    const store = get();
    const region = fresh();
    const tags = path(region);
    const answers = await Promise.allSettled(['a', 'bad', 'b', 'a'].map((key) => store.gather(tags, key)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
    assert.match(String((answers[1] as PromiseRejectedResult).reason), /bad item/);
    assert.ok(isDuplicate((answers[3] as PromiseRejectedResult).reason));
    assert.deepEqual(await keysIn(store, region), ['a', 'b']);
  });

  it('keeps works and gathered items in the order in which they came', async () => {
    const store = get();
    const region = fresh();
    const tags = path(region);
    const count = (tx: WriteTx) =>
      tx
        .in(region)
        .selectFrom('tags')
        .select('key')
        .execute()
        .then((rows) => rows.length);
    const [before, , afterwards] = await Promise.all([
      store.write(count),
      store.gather(tags, 'x'),
      store.write(count),
    ]);
    assert.deepEqual([before, afterwards], [0, 1]);
  });

  it('refuses a path that does not answer every item', async () => {
    const silent: Gathered<string, number> = { name: 'silent', write: async () => [] };
    await assert.rejects(get().gather(silent, 'x'), StoreMisused);
  });
}

export function valueCases(get: () => Store): void {
  it('sorts text by its bytes', async () => {
    const store = get();
    const region = fresh();
    const keys = ['é', 'a', 'B', 'z', 'A', '10', '9', '_', 'a-b', 'ab', '日本'];
    await store.write(async (tx) => {
      for (const key of keys) await addTag(tx, region, key);
    });
    const sorted = ['10', '9', 'A', 'B', '_', 'a', 'a-b', 'ab', 'z', 'é', '日本'];
    assert.deepEqual(await keysIn(store, region), sorted);
    const later = await store.read((tx) =>
      tx.in(region).selectFrom('tags').select('key').where('key', '>', 'a').orderBy('key').execute(),
    );
    assert.deepEqual(
      later.map(({ key }) => key),
      ['a-b', 'ab', 'z', 'é', '日本'],
    );
  });

  it('gives counters and times back as numbers, absent values as null', async () => {
    const store = get();
    const server_id = fresh();
    const row = { server_id, started_at: 1_767_225_600_123, lease_until: 0, stopped_at: null };
    await store.write(async (tx) => void (await tx.everywhere.insertInto('servers').values(row).execute()));
    const read = await store.read((tx) =>
      tx.everywhere.selectFrom('servers').selectAll().where('server_id', '=', server_id).execute(),
    );
    assert.deepEqual(read, [row]);
    const sums = await store.read((tx) =>
      tx.everywhere
        .selectFrom('servers')
        .select((row) => [row.fn.countAll().as('count'), row.fn.sum('started_at').as('sum')])
        .where('server_id', '=', server_id)
        .executeTakeFirst(),
    );
    assert.deepEqual(sums, { count: 1, sum: 1_767_225_600_123 });
  });

  it('refuses in either engine what one of them could not keep', async () => {
    const store = get();
    const region = fresh();
    await assert.rejects(
      store.write((tx) => addTag(tx, region, 'a\0b')),
      StoreMisused,
    );
    await assert.rejects(
      store.write((tx) => addTag(tx, region, 'x', { toString: 'y' } as unknown as string)),
    );
    assert.deepEqual(await keysIn(store, region), []);
  });

  it('enforces what belongs together', async () => {
    await assert.rejects(
      get().write((tx) =>
        tx.everywhere
          .insertInto('access_keys')
          .values({
            access_key_id: fresh(),
            user_name: 'nobody',
            secret: '',
            status: 'Active',
            created_at: 1,
          })
          .execute(),
      ),
      /foreign key/i,
    );
  });
}
