/**
 * The whole zoo as a test: every fault is called by its name, no decoy is taken for it, and no healthy machine
 * gives an alarm. Prints the table. Cases that this machine can't have are named with the reason.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play, summary } from './play.ts';
import { head, row } from './table.ts';
import { cases } from './zoo/index.ts';

test('every fault is called by its right name, and nothing else is', { timeout: 900_000 }, async () => {
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length, 'ids are unique');
  console.log(head());
  const results = await play(cases, {
    atOnce: 3,
    done(result) {
      console.log(row(result));
      for (const line of result.wrong) console.log(`    ! ${line}`);
    },
  });
  console.log(summary(results));
  const wrong = results.filter((result) => result.wrong.length > 0).map(({ id }) => id);
  assert.deepEqual(wrong, []);
});
