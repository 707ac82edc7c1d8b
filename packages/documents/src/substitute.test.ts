/** References are replaced as the official agent replaces them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  documentFrom,
  type Json,
  parameterStoreReferences,
  readParameters,
  stepsWith,
  substitute,
} from './index.ts';

const values = {
  text: 'hello',
  list: ['a', 'b'],
  number: 5,
  yes: true,
  map: { z: 1, a: '<&>' },
  dollars: 'a$$b$1',
  nested: '{{ text }}',
  empty: '',
};

for (const [template, result] of [
  ['{{ text }}', 'hello'],
  ['{{text}}', 'hello'],
  ['{{\n\ttext }}', 'hello'],
  ['say {{ text }}, {{text}}!', 'say hello, hello!'],
  ['{{ list }}', ['a', 'b']],
  [' {{ list }}', ' ["a","b"]'],
  [
    ['{{ list }}', 'c'],
    [['a', 'b'], 'c'],
  ],
  ['{{ number }}', 5],
  ['n={{ number }}', 'n=5'],
  ['{{ yes }}', true],
  ['{{ map }}', { z: 1, a: '<&>' }],
  ['m={{ map }}', 'm={"a":"\\u003c\\u0026\\u003e","z":1}'],
  ['{{ dollars }}', 'a$$b$1'],
  ['x{{ dollars }}', 'xa$b$1'],
  ['{{ unknown }}', '{{ unknown }}'],
  ['{{ .Values.x }} {{ text }}', '{{ .Values.x }} hello'],
  ['{{{ text }}}', '{hello}'],
  ['{{ text }', '{{ text }'],
  ['{{\u00a0text }}', '{{\u00a0text }}'],
  ['{{ nested }}', '{{ text }}'],
  ['a {{ nested }}', 'a {{ text }}'],
  ['{{ empty }}', ''],
  ['{{ constructor }}', '{{ constructor }}'],
  ['{{ fallback }}', 'the default'],
  [
    { a: ['{{ text }}', { '{{ text }}': '{{ number }}' }], b: null, c: 1 },
    { a: ['hello', { '{{ text }}': 5 }], b: null, c: 1 },
  ],
] as [Json, Json][]) {
  test(`${JSON.stringify(template)} becomes ${JSON.stringify(result)}`, () => {
    const declared = {
      fallback: { type: 'String', default: 'the default' },
      text: { type: 'String', default: 'no' },
    } as const;
    assert.deepEqual(substitute(template, values, declared), result);
  });
}

test('a parameter brings all properties of a plugin: as an object, a list, or JSON text', () => {
  const read = documentFrom({
    schemaVersion: '1.2',
    parameters: { map: { type: 'StringMap', default: {} }, text: { type: 'String', default: '' } },
    runtimeConfig: {
      'aws:cloudWatch': { properties: '{{ map }}' },
      'aws:runShellScript': { properties: '{{ text }}' },
    },
  });
  assert.ok(read.ok);
  const stepsFor = (given: Record<string, string[]>) => {
    const value = readParameters(read.value, given);
    assert.ok(value.ok);
    return stepsWith(read.value, value.value).map(({ inputs }) => inputs);
  };
  assert.deepEqual(stepsFor({ map: ['{"a": 1}'], text: ['[{"runCommand": []}, 5]'] }), [
    [{ a: 1 }],
    [{ runCommand: [] }],
  ]);
  assert.deepEqual(stepsFor({ text: ['oops'] }), [[{}], []]);
});

test('references to the Parameter Store are found, each once', () => {
  const value = [
    'a {{ssm:one}} b {{ ssm:/path/two:3 }} {{ssm:one}}',
    { x: '{{ssm-secure:three}}', '{{ssm:name}}': 1 },
    '{{ ssm:no good }} {{ text }}',
  ];
  assert.deepEqual(parameterStoreReferences(value), ['one', '/path/two:3', 'three']);
});

test('a parameter that is to come as a variable never becomes a part of a script', () => {
  const read = documentFrom({
    schemaVersion: '2.2',
    parameters: {
      word: { type: 'String', interpolationType: 'ENV_VAR' },
      other: { type: 'String', default: 'plain' },
    },
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'speak',
        inputs: { runCommand: ['echo "$SSM_word {{ word }} {{ other }}"'], environment: { A: 'b' } },
      },
      {
        action: 'aws:runDocument',
        name: 'more',
        inputs: { documentType: 'SSMDocument', documentPath: '{{ word }}' },
      },
    ],
  });
  assert.ok(read.ok);
  const [script, other] = stepsWith(read.value, { word: '$(reboot)' });
  assert.deepEqual(script?.inputs, [
    {
      runCommand: ['echo "$SSM_word {{ word }} plain"'],
      environment: { A: 'b', SSM_word: '$(reboot)' },
    },
  ]);
  assert.equal(other?.inputs[0]?.documentPath, '$(reboot)');
});
