/** Hostile documents cost little and are refused with what is wrong; more of them in `test/slow`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocument } from './index.ts';
import { readHostile } from './testing/hostile.ts';

test('1,000 hostile documents: at most 50 ms each, and each accepted one can be used', async () => {
  const seen = await readHostile(1_000, 20_261_125);
  assert.equal(seen.documents, 1_000);
  assert.ok(seen.accepted > 20, `only ${seen.accepted} were accepted: that tests little`);
});

// What Node's own parser does with the first of them ends the process.
for (const [what, text] of [
  ['lists in each other, one of them closed', `${'[1,'.repeat(21_000)}[1]`],
  ['objects in each other', '{"a":'.repeat(13_000)],
  ['lists in each other, all closed', '['.repeat(30_000) + ']'.repeat(30_000)],
] as const) {
  for (const format of ['JSON', 'YAML'] as const) {
    test(`${what}, are refused (${format})`, async () => {
      for (let round = 0; round < 5; round++) {
        const read = await readDocument(text, format);
        assert.ok(!read.ok);
        assert.match(read.problems[0]!.message, /deeper than 50 levels/);
      }
    });
  }
}
