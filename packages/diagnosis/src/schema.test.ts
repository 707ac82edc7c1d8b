/** Every verdict is valid by the published schema, and the schema says no to what isn't one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { verdictSchema } from './schema.ts';
import { cases } from './testing/cases/index.ts';
import { healthy, lost, minute, node, now } from './testing/evidence.ts';
import { violations } from './testing/schema-check.ts';

test('every verdict validates, as it comes out of JSON', () => {
  const all = [
    ...cases.map(({ evidence }) => evidence),
    healthy(),
    lost({ node: undefined }),
    { now, node: node({ host: { bootAt: now - minute }, agents: [] }) },
    { now },
  ];
  for (const evidence of all) {
    const verdict = judge(evidence);
    assert.deepEqual(violations(JSON.parse(JSON.stringify(verdict)), verdictSchema), []);
    // Nothing is lost on the way: no `undefined`, no dates, no infinities.
    assert.deepEqual(JSON.parse(JSON.stringify(verdict)), verdict);
  }
});

test('what is no verdict does not validate', () => {
  const verdict = judge(healthy());
  for (const [changes, where] of [
    [{ version: 2 }, '$.version'],
    [{ cause: 'no-such-cause' }, '$.cause'],
    [{ extra: 1 }, '$.extra'],
    [{ gates: verdict.gates.slice(1) }, '$.gates'],
    [{ answers: { listed: 'maybe', pickable: 'yes', working: 'yes' } }, '$.answers.listed'],
    [{ at: 'now' }, '$.at'],
    [{ ruledOut: ['disk-full', 'disk-full'] }, '$.ruledOut'],
  ] as const) {
    const found = violations({ ...verdict, ...changes }, verdictSchema);
    assert.ok(
      found.some((one) => one.startsWith(where)),
      `${where}: ${found}`,
    );
  }
});
