/** On which platforms a document does something, and how long it may take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentFrom, executionSecondsOf, type Json, platformTypesOf } from './index.ts';

function documentOf(
  steps: readonly { action: string; on?: string; inputs?: object }[],
  parameters: Json = {},
) {
  const read = documentFrom({
    schemaVersion: '2.2',
    parameters,
    mainSteps: steps.map(({ action, on, inputs }, index) => ({
      action: `aws:${action}`,
      name: `step${index}`,
      inputs: { ...(/^run.*Script$/.test(action) && { runCommand: ['true'] }), ...inputs },
      ...(on && { precondition: { StringEquals: ['platformType', on] } }),
    })),
  });
  assert.ok(read.ok, JSON.stringify(read));
  return read.value;
}

for (const [steps, platforms] of [
  [[{ action: 'runShellScript' }], ['Linux', 'MacOS']],
  [[{ action: 'runPowerShellScript' }], ['Linux', 'MacOS', 'Windows']],
  [[{ action: 'psModule' }], ['Windows']],
  [[{ action: 'downloadContent' }], ['Linux', 'Windows']],
  [[{ action: 'runPowerShellScript', on: 'windows' }], ['Windows']],
  [
    [
      { action: 'runPowerShellScript', on: 'Windows' },
      { action: 'runShellScript', on: 'Linux' },
    ],
    ['Linux', 'Windows'],
  ],
  [[{ action: 'runShellScript', on: 'Windows' }], []],
  [[{ action: 'runShellScript', on: '{{ stage }}' }], []],
] as const) {
  test(`${JSON.stringify(steps)}: ${platforms.join(', ') || 'nowhere'}`, () => {
    assert.deepEqual(platformTypesOf(documentOf(steps)), platforms);
  });
}

test('a precondition on a parameter excludes no platform', () => {
  const read = documentFrom({
    schemaVersion: '2.2',
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'one',
        inputs: { runCommand: ['true'] },
        precondition: { StringEquals: ['{{ stage }}', 'prod'] },
      },
    ],
  });
  assert.ok(read.ok);
  assert.deepEqual(platformTypesOf(read.value), ['Linux', 'MacOS']);
});

const limited = (timeoutSeconds: Json) => ({ action: 'runShellScript', inputs: { timeoutSeconds } });
for (const [limit, seconds] of [
  ['60', 60],
  [60, 60],
  ['60.9', 60],
  ['5', 5],
  ['4', 3600],
  ['172800', 172_800],
  ['172801', 3600],
  ['soon', 3600],
  ['', 3600],
  [null, 3600],
  [['60'], 3600],
  ['{{ limit }}', 90],
] as const) {
  test(`a limit of ${JSON.stringify(limit)} is ${seconds} seconds`, () => {
    const document = documentOf([limited(limit)], { limit: { type: 'String', default: '90' } });
    assert.equal(executionSecondsOf(document, {}), seconds);
  });
}

test('the limits of steps that run on the same platform add up', () => {
  assert.equal(executionSecondsOf(documentOf([limited('60'), limited('30')]), {}), 90);
  const either = documentOf([
    { action: 'runPowerShellScript', on: 'Windows', inputs: { timeoutSeconds: '100' } },
    { ...limited('40'), on: 'Linux' },
    { action: 'runDocument' },
  ]);
  assert.equal(executionSecondsOf(either, {}), 3700);
});

test('in schema 1.2 the first property stands for its plugin', () => {
  const read = documentFrom({
    schemaVersion: '1.2',
    runtimeConfig: {
      'aws:runShellScript': {
        properties: [
          { runCommand: ['a'], timeoutSeconds: '10' },
          { runCommand: ['b'], timeoutSeconds: '20' },
        ],
      },
    },
  });
  assert.ok(read.ok);
  assert.equal(executionSecondsOf(read.value, {}), 10);
});
