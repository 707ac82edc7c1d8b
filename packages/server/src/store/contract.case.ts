/** The contract, as one suite for both engines: what every caller of the store relies on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gatherCases, regionCases, valueCases } from './contract-data.case.ts';
import { addTag, fresh, keptUse, keysIn, tag } from './contract-rows.case.ts';
import {
  deleteInSteps,
  isDuplicate,
  type Store,
  StoreBusy,
  StoreClosed,
  StoreMisused,
  type StoreOptions,
  type WriteTx,
} from './index.ts';

/** Opens an empty store. */
export type OpenEmpty = (options?: StoreOptions) => Promise<Store>;

/** Declares the suite for the stores that `open` makes. */
export function contractSuite(name: string, open: OpenEmpty): void {
  describe(`The store's contract on ${name}`, () => {
    let store: Store;
    before(async () => {
      store = await open();
    });
    after(() => store.close());

    it('keeps what a work wrote, and nothing of a work that threw', async () => {
      const region = fresh();
      await store.write((tx) => addTag(tx, region, 'kept'));
      await assert.rejects(
        store.write(async (tx) => {
          await addTag(tx, region, 'lost');
          throw new Error('changed its mind');
        }),
        /changed its mind/,
      );
      assert.deepEqual(await keysIn(store, region), ['kept']);
    });

    it('isolates a failing work from those that share its commit', async () => {
      const region = fresh();
      const results = await Promise.allSettled(
        ['a', 'b', 'b', 'c'].map((key) =>
          store.write(async (tx) => {
            await addTag(tx, region, key);
            return key;
          }),
        ),
      );
      assert.deepEqual(
        results.map((result) => result.status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
      );
      assert.ok(isDuplicate((results[2] as PromiseRejectedResult).reason));
      assert.deepEqual(await keysIn(store, region), ['a', 'b', 'c']);
    });

    it('fails a work whose statement failed, even when the work looked away', async () => {
      const region = fresh();
      const work = store.write(async (tx) => {
        await addTag(tx, region, 'one');
        await addTag(tx, region, 'one').catch(() => undefined);
        await addTag(tx, region, 'two').catch(() => undefined);
        return 'fine';
      });
      await assert.rejects(work, isDuplicate);
      assert.deepEqual(await keysIn(store, region), []);
    });

    it('takes what a work throws for nothing but its own failure', async () => {
      const region = fresh();
      const [, other] = await Promise.allSettled([
        store.write(async () => {
          throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        }),
        store.write((tx) => addTag(tx, region, 'other')),
      ]);
      assert.equal(other.status, 'fulfilled');
      assert.deepEqual(await keysIn(store, region), ['other']);
    });

    it('runs works in the order in which they came, each seeing those before it', async () => {
      const region = fresh();
      const seen = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.write(async (tx) => {
            await addTag(tx, region, `${index + 10}`);
            return (await tx.in(region).selectFrom('tags').select('key').execute()).length;
          }),
        ),
      );
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
    });

    it('calls back after the commit, in order, and only for works that succeeded', async () => {
      const region = fresh();
      const calls: string[] = [];
      const visible: Promise<string[]>[] = [];
      const work = (key: string, fail: boolean) =>
        store.write(async (tx) => {
          tx.afterCommit(() => {
            calls.push(key);
            visible.push(keysIn(store, region));
          });
          await addTag(tx, region, key);
          if (fail) throw new Error('no');
        });
      const answers = await Promise.allSettled([work('a', false), work('b', true), work('c', false)]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(calls, ['a', 'c']);
      // Whoever is woken by a callback finds everything of that commit.
      assert.deepEqual(await Promise.all(visible), [
        ['a', 'c'],
        ['a', 'c'],
      ]);
    });

    it('reads see only what is committed', async () => {
      const region = fresh();
      let during: Promise<string[]> | undefined;
      await store.write(async (tx) => {
        await addTag(tx, region, 'new');
        during = keysIn(store, region);
        await during;
      });
      assert.deepEqual(await during, []);
      assert.deepEqual(await keysIn(store, region), ['new']);
    });

    it('a read sees one moment', async () => {
      const region = fresh();
      await store.write((tx) => addTag(tx, region, 'old'));
      const [first, second] = await store.read(async (tx) => {
        const count = async () => (await tx.in(region).selectFrom('tags').select('key').execute()).length;
        const before = await count();
        await store.write((other) => addTag(other, region, 'new'));
        return [before, await count()];
      });
      assert.deepEqual([first, second], [1, 1]);
      assert.equal((await keysIn(store, region)).length, 2);
    });

    it('a read cannot write, and a tx ends with its work', async () => {
      await assert.rejects(store.read((tx) => addTag(tx as WriteTx, fresh(), 'x')));
      let kept: WriteTx | undefined;
      await store.write(async (tx) => {
        kept = tx;
      });
      await assert.rejects(keptUse(kept!), StoreMisused);
      await assert.rejects(
        store.write((tx) => tx.everywhere.transaction().execute(async () => undefined)),
        StoreMisused,
      );
    });

    it('tells a work that would wait for another', async () => {
      await assert.rejects(
        store.write(() => store.write(async () => undefined)),
        StoreMisused,
      );
      await assert.rejects(
        store.read(() => store.read(async () => undefined)),
        StoreMisused,
      );
      // What it sets off for later is free to.
      let later: Promise<string> | undefined;
      await store.write(async (tx) => {
        tx.afterCommit(() => {
          later = store.write(async () => 'done');
        });
      });
      assert.equal(await later, 'done');
    });

    it('writes 500 at once, each once', async () => {
      const region = fresh();
      await Promise.all(
        Array.from({ length: 500 }, (_, index) => store.write((tx) => addTag(tx, region, `${index}`))),
      );
      assert.equal((await keysIn(store, region)).length, 500);
    });

    it('counts exactly under concurrent works that read and then write', async () => {
      const region = fresh();
      await store.write((tx) => addTag(tx, region, 'counter', '0'));
      await Promise.all(
        Array.from({ length: 200 }, () =>
          store.write(async (tx) => {
            const { value } = await tx
              .in(region)
              .selectFrom('tags')
              .select('value')
              .executeTakeFirstOrThrow();
            await tx
              .in(region)
              .updateTable('tags')
              .set({ value: `${Number(value) + 1}` })
              .execute();
          }),
        ),
      );
      const [row] = await store.read((tx) => tx.in(region).selectFrom('tags').selectAll().execute());
      assert.equal(row?.value, '200');
    });

    regionCases(() => store);
    gatherCases(() => store);
    valueCases(() => store);

    it('deletes in steps, only what it was told to', async () => {
      const region = fresh();
      const rows = Array.from({ length: 25 }, (_, index) => ({ ...tag(`${index + 10}`), value: `${index}` }));
      await store.write(async (tx) => void (await tx.in(region).insertInto('tags').values(rows).execute()));
      const deleted = await deleteInSteps(
        store,
        'tags',
        (row) => row.and([row('region', '=', region), row('key', '<', '33')]),
        { rows: 10 },
      );
      assert.equal(deleted, 23);
      assert.deepEqual(await keysIn(store, region), ['33', '34']);
    });

    it('refuses more than may wait, and takes work again afterwards', async () => {
      const small = await open({ limits: { works: 2, items: 2, waiting: 5 } });
      const region = fresh();
      const results = await Promise.allSettled(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => small.write((tx) => addTag(tx, region, key))),
      );
      assert.ok((results[5] as PromiseRejectedResult).reason instanceof StoreBusy);
      await small.write((tx) => addTag(tx, region, 'g'));
      assert.deepEqual(await keysIn(small, region), ['a', 'b', 'c', 'd', 'e', 'g']);
      await small.close();
    });

    it('survives a callback that throws, and reports it', async () => {
      const reports: unknown[] = [];
      const own = await open({ report: (error) => void reports.push(error) });
      const calls: string[] = [];
      await Promise.all([
        own.write(async (tx) =>
          tx.afterCommit(() => {
            throw new Error('first');
          }),
        ),
        own.write(async (tx) => tx.afterCommit(() => void calls.push('second'))),
      ]);
      assert.deepEqual(calls, ['second']);
      assert.equal((reports[0] as Error).message, 'first');
      await own.close();
    });

    it('finishes what was handed in before it closes, and takes nothing after', async () => {
      const own = await open();
      const region = fresh();
      const written = own.write(async (tx) => {
        await addTag(tx, region, 'x');
        return (await tx.in(region).selectFrom('tags').select('key').execute()).length;
      });
      await own.close();
      assert.equal(await written, 1);
      await assert.rejects(
        own.write(async () => undefined),
        StoreClosed,
      );
      await assert.rejects(
        own.read(async () => undefined),
        StoreClosed,
      );
      await own.close();
    });
  });
}
