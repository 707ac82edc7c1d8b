/** Rate control in numbers and percent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../service/index.ts';
import { concurrencyOf, errorLimitOf } from './rate.ts';

test('numbers are as they stand; a part of a node counts as one, a part of an error as none', () => {
  assert.equal(concurrencyOf('50', 3), 50);
  assert.equal(concurrencyOf('10%', 5), 1);
  assert.equal(concurrencyOf('10%', 50), 5);
  assert.equal(concurrencyOf('100%', 15_000), 15_000);
  assert.equal(concurrencyOf('1%', 0), 1);
  assert.equal(errorLimitOf('0', 50), 0);
  // AWS's own example: with 10% of 50 nodes it stops at the sixth error.
  assert.equal(errorLimitOf('10%', 50), 5);
  assert.equal(errorLimitOf('10%', 5), 0);
});

test('what is neither is refused', () => {
  for (const text of ['0', '101%', '-1', '1.5', 'all', '']) {
    assert.throws(() => concurrencyOf(text, 5), Refusal, text);
  }
  assert.throws(() => errorLimitOf('101%', 5), Refusal);
});
