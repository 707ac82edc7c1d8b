/** So many at once, the others in their order, and no more than there is room for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPool } from './pool.ts';

function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const one = { begun: false, end: resolve };
  const run = () => {
    one.begun = true;
    return promise;
  };
  return { one, run };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('no more than allowed run at once, the rest in order', async () => {
  const pool = openPool(2, 10, () => {});
  const all = Array.from({ length: 4 }, work);
  all.forEach(({ run }, number) => {
    pool.add(String(number), run);
  });
  assert.deepEqual(
    all.map(({ one }) => one.begun),
    [true, true, false, false],
  );
  assert.deepEqual([pool.running, pool.queued], [2, 2]);
  all[1]!.one.end();
  await settled();
  assert.deepEqual(
    all.map(({ one }) => one.begun),
    [true, true, true, false],
  );
  assert.equal(pool.withdraw('3'), true);
  assert.equal(pool.withdraw('2'), false);
  all[0]!.one.end();
  all[2]!.one.end();
  await settled();
  assert.equal(all[3]!.one.begun, false);
  assert.equal(pool.running, 0);
});

test('places are kept for what is being prepared, and given back once', () => {
  const pool = openPool(1, 1, () => {});
  const [first, second] = [pool.reserve(), pool.reserve()];
  assert.ok(first && second);
  assert.equal(pool.reserve(), undefined);
  first();
  first();
  assert.ok(pool.reserve());
  assert.equal(pool.reserve(), undefined);
});

test('a pool that pauses ends what it began and begins nothing', async () => {
  const pool = openPool(1, 5, () => {});
  const [a, b] = [work(), work()];
  pool.add('a', a.run);
  pool.add('b', b.run);
  pool.pause();
  a.one.end();
  await settled();
  assert.equal(b.one.begun, false);
  pool.resume();
  assert.equal(b.one.begun, true);
});
