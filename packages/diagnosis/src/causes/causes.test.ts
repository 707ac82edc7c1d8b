/** Every cause: from evidence of it comes its verdict, with what was seen, at its gate, and with the right fix. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../judge.ts';
import { cases } from '../testing/cases/index.ts';
import { healthy, hour, now } from '../testing/evidence.ts';
import { fieldLabel } from '../texts/index.ts';
import { gates } from '../verdict.ts';
import { causeOf, causes } from './index.ts';

for (const one of cases)
  test(`${one.cause}${one.when === undefined ? '' : `, ${one.when}`}`, () => {
    const verdict = judge(one.evidence);
    assert.equal(verdict.cause, one.cause);
    assert.equal(verdict.confidence, one.confidence ?? 'proven', `doubt: ${verdict.doubt}`);
    assert.equal(verdict.confidence === 'likely', verdict.doubt !== undefined);
    const cause = causeOf(one.cause);
    assert.ok(cause);
    assert.equal(verdict.solution, cause.solution);
    assert.ok(verdict.evidence.length > 0, 'nothing is said to have been seen');
    const failed = verdict.gates.findIndex(({ state }) => state === 'failed' || state === 'warned');
    assert.equal(verdict.gates[failed]?.gate, cause.gate);
    assert.ok(verdict.gates.slice(failed + 1).every(({ state }) => state === 'not-tried'));
    if (one.fix)
      assert.deepEqual(
        verdict.fix?.commands.map(({ argv }) => argv.join(' ')),
        one.fix,
      );
    for (const [slot, value] of Object.entries(one.says ?? {}))
      assert.equal(verdict.parameters[slot], value, slot);
    for (const id of one.ruledOut ?? [])
      assert.ok(verdict.ruledOut.includes(id), `${id} was not ruled out: ${verdict.ruledOut}`);
    for (const { field } of verdict.evidence)
      assert.ok(
        fieldLabel(field) || /[/_A-Z ]/.test(field) || one.cause === 'fingerprint-changed',
        `"${field}" has no label`,
      );
  });

/** What needs evidence that nothing collects yet would stand here, with the reason. */
const withoutCase: readonly string[] = ['association-list-empty'];

test('every cause of the catalogue has a case', () => {
  const tried = new Set(cases.map(({ cause }) => cause));
  assert.deepEqual(
    causes.filter(({ id }) => !tried.has(id) && !withoutCase.includes(id)).map(({ id }) => id),
    [],
  );
});

test('ids are kebab-case and unique; neighbours exist or are of AWS only; gates are in order', () => {
  const ids = causes.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  const ofAws = ['dhmc-other-region'];
  for (const { id, near } of causes)
    for (const other of near) assert.ok(causeOf(other) || ofAws.includes(other), `${id} is near ${other}`);
  const places = causes.map(({ gate }) => gates.indexOf(gate));
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  );
});

test('every cause is said in both languages, and Japanese is Japanese', () => {
  for (const { id, en, ja } of causes) {
    assert.deepEqual(Object.keys(ja).toSorted(), Object.keys(en).toSorted(), id);
    for (const [name, text] of Object.entries(ja)) assert.match(text, /[ぁ-んァ-ヶ一-龠]/u, `${id} ${name}`);
    for (const [name, text] of Object.entries(en)) assert.doesNotMatch(text, /[^\x20-\x7e]/, `${id} ${name}`);
    for (const name of ['explain', 'about', 'fix', 'sentence', 'warning'] as const) {
      if (!ja[name]) continue;
      assert.match(
        ja[name],
        /(です|ます|ください|ません|した|せん)(（[^）]*）)?。?|: /,
        `${id} ${name}: ${ja[name]}`,
      );
    }
    assert.doesNotMatch(en.because, /\.$/, id);
    assert.doesNotMatch(ja.because, /。$/, id);
    const slots = (text: string) => [...text.matchAll(/\{(\w+)/g)].map(([, slot]) => slot).toSorted();
    assert.deepEqual(slots(ja.because), slots(en.because), `${id}: the slots of both languages differ`);
  }
});

test('a node whose channel waits is in the list and can be picked, but will not work', () => {
  const verdict = judge(cases.find(({ cause }) => cause === 'channel-backoff')!.evidence);
  assert.deepEqual(verdict.answers, { listed: 'yes', pickable: 'yes', working: 'no' });
  assert.equal(verdict.gates.at(-1)?.state, 'warned');
  assert.ok(
    verdict.nextAttempt && verdict.nextAttempt.to! - now <= hour,
    'the next attempt is within an hour',
  );
});

test('deleted associations are a note and no cause', () => {
  const verdict = judge(healthy({ records: { associations: 0 } }));
  assert.equal(verdict.state, 'well');
  assert.deepEqual(
    verdict.warnings.map(({ cause }) => cause),
    ['association-list-empty'],
  );
});
