/** Preconditions, in the words of the official agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPrecondition, type JsonObject } from './index.ts';

const check = (precondition: JsonObject | undefined, values = {}, version: '2.0' | '2.2' = '2.2') =>
  checkPrecondition(
    { name: 'win', action: 'aws:runShellScript', inputs: [{}], ...(precondition && { precondition }) },
    version,
    'Linux',
    values,
  );

test('without one, or with one that is met, the step runs', () => {
  assert.deepEqual(check(undefined), { run: true });
  assert.deepEqual(check({}), { run: true });
  assert.deepEqual(check({ StringEquals: ['platformType', 'Linux'] }), { run: true });
  assert.deepEqual(check({ StringEquals: ['linux', 'platformType'] }), { run: true });
  assert.deepEqual(check({ StringEquals: ['{{ stage }}', 'prod'] }, { stage: 'prod' }), { run: true });
  assert.deepEqual(check({ StringEquals: ['{{ a }}', '{{ b }}'] }, { a: 5, b: '5' }), { run: true });
});

test('one that is not met skips the step, and says so as it was written', () => {
  assert.deepEqual(check({ StringEquals: ['platformType', 'Windows'] }), {
    run: false,
    skipped: `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: win`,
  });
  assert.deepEqual(check({ StringEquals: ['{{ stage }}', 'prod'] }, { stage: 'test' }), {
    run: false,
    skipped: `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [{{ stage }}, prod]'. Step name: win`,
  });
});

for (const [precondition, remark] of [
  [{ Equals: ['platformType', 'Linux'] }, 'unrecognized operator: "Equals"'],
  [{ StringEquals: ['a'] }, '"StringEquals": operator accepts exactly 2 arguments'],
  [
    { StringEquals: ['{{ stage }}', '{{ stage }}'] },
    `"StringEquals": operator's arguments can't be identical`,
  ],
  [{ StringEquals: ['platformType', 'platformType'] }, '"StringEquals": [platformType platformType]'],
  [{ StringEquals: ['{{ssm:a}}', 'b'] }, `"StringEquals": operator's arguments can't contain SSM parameters`],
  [
    { StringEquals: ['platformType', '{{ stage }}'] },
    `"StringEquals": the second argument for the platformType variable can't contain document parameters`,
  ],
  [
    { StringEquals: ['a', 'b'] },
    `"StringEquals": at least one of operator's arguments must contain a valid document parameter`,
  ],
] as [JsonObject, string][]) {
  test(`${JSON.stringify(precondition)} fails the step`, () => {
    assert.deepEqual(check(precondition, { stage: 'prod' }), {
      run: false,
      failed: `Unrecognized precondition(s): '${remark}', please update agent to latest version. Step name: win`,
    });
  });
}

test('before schema 2.2 any precondition fails the step', () => {
  assert.deepEqual(check({ StringEquals: ['platformType', 'Linux'] }, {}, '2.0'), {
    run: false,
    failed: 'Precondition is not supported for document schema version prior to 2.2. Step name: win',
  });
});
