/** What a start leaves behind goes back to the system. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBackMemory } from './give-back.ts';

test('memory that is not needed any more is given back', () => {
  let rubbish: object[] | undefined = Array.from({ length: 300_000 }, (_, index) => ({ index, next: {} }));
  const full = process.memoryUsage().heapTotal;
  assert.equal(rubbish.length, 300_000);
  rubbish = undefined;
  giveBackMemory();
  const now = process.memoryUsage().heapTotal;
  assert.ok(now < full - 10_000_000, `${full} bytes before, ${now} afterwards`);
});
