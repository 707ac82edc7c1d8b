/** Every cause of the catalogue is played in the fault zoo, or stands here with the reason why it isn't. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causes } from '@rollcall/diagnosis';
import type { Case, Says } from '../faults/case.ts';
import { cases } from '../faults/zoo/index.ts';

/** Never the right answer: shown by the cases that have it among their warnings. */
const notPlayed: Readonly<Record<string, string>> = {
  'association-list-empty': 'it breaks nothing: a warning, not a cause',
};

/** The causes that one is an example of. */
const said = (one: Case) => [
  one.cause,
  ...[one.node, one.operator, one.both].map((says: Says | undefined) =>
    typeof says === 'object' ? says.cause : undefined,
  ),
];

test('every cause has a case', () => {
  const played = new Set(cases.flatMap(said));
  const missing = causes.map(({ id }) => id).filter((id) => !played.has(id));
  assert.deepEqual(missing.sort(), Object.keys(notPlayed).sort());
  const injected = new Set(cases.filter(({ how }) => how === 'injected').flatMap(said));
  assert.ok(injected.size >= 60, `${injected.size} are really injected`);
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length, 'ids are unique');
});

test('what is no cause is shown as the warning that it is', () => {
  const warned = new Set(cases.flatMap(({ warnings }) => warnings ?? []));
  for (const id of Object.keys(notPlayed)) assert.ok(warned.has(id), id);
});

test('cases name causes that there are, with the gate and the solution of the catalogue', () => {
  const known = new Map(causes.map((cause) => [cause.id, cause]));
  for (const one of cases) {
    for (const id of [...said(one), ...(one.decoyOf ?? []), ...(one.warnings ?? [])])
      assert.ok(id === undefined || known.has(id), `${one.id} names ${id}`);
    const cause = known.get(one.cause ?? '');
    if (cause && one.gate) assert.equal(one.gate, cause.gate, one.id);
    if (cause && one.solution) assert.equal(one.solution, cause.solution, one.id);
  }
});
