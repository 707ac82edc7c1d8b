/** The table of cases, against the TypeScript and against the SQL. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { expected, factsOf, presenceCases, viewOf } from './cases.ts';
import { checkCasesInSql } from './status.case.ts';
import { statusOf } from './status.ts';
import { openGround } from './testing.ts';

const now = Date.UTC(2026, 5, 1);

suite('what a node is, in TypeScript', () => {
  for (const one of presenceCases) {
    test(one.title, () => assert.deepEqual(statusOf(factsOf(one, now), viewOf(one, now)), expected(one)));
  }
});

test('the SQL says the same', async (context) => {
  await checkCasesInSql((await openGround(context)).store);
});

test('the titles are unique, so that a failure names its case', () => {
  assert.equal(new Set(presenceCases.map((one) => one.title)).size, presenceCases.length);
});
