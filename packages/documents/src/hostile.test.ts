/** Hostile documents cost little and are refused with what is wrong; more of them in `test/slow`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentFrom, readDocument, stepsWith } from './index.ts';
import { readHostile } from './testing/hostile.ts';

test('1,000 hostile documents: at most 50 ms each, and each accepted one can be used', async () => {
  const seen = await readHostile(1_000, 20_261_125);
  assert.equal(seen.documents, 1_000);
  assert.ok(seen.accepted > 20, `only ${seen.accepted} were accepted: that tests little`);
});

for (const [what, text] of [
  ['quotes', `{"${'\\"'.repeat(32_000)}`],
  ['backslashes', `{"a":"${'\\'.repeat(65_001)}`],
] as const) {
  test(`a string that nobody closes, full of ${what}, costs little`, async () => {
    const before = process.cpuUsage();
    const read = await readDocument(text, 'JSON');
    const { user, system } = process.cpuUsage(before);
    assert.ok(!read.ok);
    assert.match(read.problems[0]!.message, /well-formed JSON/);
    assert.ok((user + system) / 1000 < 50, `${(user + system) / 1000} ms`);
  });
}

test('properties of schema 1.2 that a parameter brings as deep, broken JSON are none', () => {
  const document = documentFrom({
    schemaVersion: '1.2',
    parameters: { all: { type: 'String' } },
    runtimeConfig: { 'aws:psModule': { properties: '{{ all }}' } },
  });
  assert.ok(document.ok);
  for (let round = 0; round < 5; round++)
    assert.deepEqual(stepsWith(document.value, { all: `${'[1,'.repeat(21_000)}[1]` })[0]?.inputs, []);
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
