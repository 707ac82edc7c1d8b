/** The values of parameters: each type, each constraint, and what is said when one is broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentFrom, type Json, readParameters } from './index.ts';

function documentWith(parameters: Record<string, object>) {
  const read = documentFrom({
    schemaVersion: '2.2',
    parameters,
    mainSteps: [{ action: 'aws:runShellScript', name: 'one', inputs: { runCommand: ['true'] } }],
  });
  assert.ok(read.ok, JSON.stringify(read));
  return read.value;
}

for (const [type, given, value] of [
  ['String', ['hello'], 'hello'],
  ['String', [''], ''],
  ['StringList', ['a', 'b'], ['a', 'b']],
  ['StringList', [], []],
  ['Boolean', ['true'], true],
  ['Boolean', ['False'], false],
  ['Integer', ['42'], 42],
  ['Integer', ['-7'], -7],
  ['StringMap', ['{"a": {"b": [1]}}'], { a: { b: [1] } }],
  ['MapList', ['[{"a": 1}, {"b": 2}]'], [{ a: 1 }, { b: 2 }]],
  ['MapList', ['{"a": 1}', '{"b": 2}'], [{ a: 1 }, { b: 2 }]],
] as [string, string[], Json][]) {
  test(`${type} from ${JSON.stringify(given)}`, () => {
    assert.deepEqual(readParameters(documentWith({ one: { type } }), { one: given }), {
      ok: true,
      value: { one: value },
    });
  });
}

for (const [type, given, message] of [
  ['String', ['a', 'b'], 'Parameter one must be one value: its type is String.'],
  ['String', [], 'Parameter one must be one value: its type is String.'],
  ['String', ['a\0'], 'Parameter one[0] must be valid Unicode text without the NUL character.'],
  ['Boolean', ['yes'], 'Parameter one must be true or false.'],
  ['Integer', ['1.5'], 'Parameter one must be a whole number.'],
  ['Integer', ['99999999999999999999'], 'Parameter one must be a whole number.'],
  ['StringMap', ['[]'], 'Parameter one must be a JSON object, such as {"name": "value"}.'],
  ['StringMap', ['{"a": 1, "a": 2}'], 'Parameter a must occur only once.'],
  [
    'StringMap',
    ['{"__proto__": 1}'],
    'Parameter one.__proto__ must have another name: this one is reserved.',
  ],
  ['StringMap', ['{'], 'Parameter one must be well-formed JSON: see line 1, column 2.'],
  ['MapList', ['[1]'], 'Parameter one must be a list of JSON objects, such as [{"name": "value"}].'],
] as const) {
  test(`${type} from ${JSON.stringify(given)} is refused`, () => {
    const read = readParameters(documentWith({ one: { type } }), { one: given });
    assert.ok(!read.ok);
    assert.equal(read.problems[0]!.message, message);
  });
}

for (const [declaration, good, bad, message] of [
  [{ type: 'String', minChars: 2, maxChars: 3 }, ['🙂🙂🙂'], ['a'], 'at least 2 characters long'],
  [{ type: 'String', maxChars: 1 }, ['a'], ['ab'], 'at most 1 character long'],
  [{ type: 'StringList', minItems: 1 }, ['a'], [], 'have at least 1 item'],
  [{ type: 'StringList', maxItems: 2 }, ['a', 'b'], ['a', 'b', 'c'], 'have at most 2 items'],
  [{ type: 'StringList', maxChars: 1 }, ['a'], ['a', 'bb'], 'Parameter one[1] must be at most'],
  [{ type: 'StringMap', minItems: 1 }, ['{"a": 1}'], ['{}'], 'have at least 1 item'],
  [{ type: 'String', allowedValues: ['a', 'b'] }, ['b'], ['c'], 'one of "a", "b"'],
  [{ type: 'StringList', allowedValues: ['a', 'b'] }, ['b', 'a'], ['a', 'c'], 'one[1] must be one of'],
  [{ type: 'Integer', allowedValues: [1, 2] }, ['2'], ['3'], 'one of "1", "2"'],
  [{ type: 'Boolean', allowedValues: [true] }, ['true'], ['false'], 'one of "true"'],
  [{ type: 'String', allowedPattern: '^[a-z]+$' }, ['abc'], ['a1'], 'match "^[a-z]+$"'],
  [{ type: 'StringList', allowedPattern: '^\\d+$' }, ['1', '2'], ['1', 'x'], 'one[1] must match'],
  [{ type: 'Integer', allowedPattern: '^1' }, ['12'], ['21'], 'match "^1"'],
  [{ type: 'StringMap', allowedPattern: '"a"' }, ['{"a": 1}'], ['{"b": 1}'], 'match'],
] as const) {
  test(`${JSON.stringify(declaration)}: ${JSON.stringify(good)}, but not ${JSON.stringify(bad)}`, () => {
    const document = documentWith({ one: declaration });
    assert.ok(readParameters(document, { one: good }).ok);
    const read = readParameters(document, { one: bad });
    assert.ok(!read.ok);
    assert.ok(read.problems[0]!.message.includes(message), read.problems[0]!.message);
  });
}

test('what is missing has its default, or is asked for; what nobody declared is refused', () => {
  const document = documentWith({ one: { type: 'String' }, two: { type: 'StringList', default: ['a'] } });
  assert.deepEqual(readParameters(document, { one: ['x'] }), { ok: true, value: { one: 'x', two: ['a'] } });
  assert.deepEqual(readParameters(document, { three: ['x'], toString: ['x'] }), {
    ok: false,
    problems: [
      { path: 'three', message: 'Parameter three must be a parameter of the document: one, two.' },
      { path: 'toString', message: 'Parameter toString must be a parameter of the document: one, two.' },
      { path: 'one', message: 'Parameter one must be given: the document has no default for it.' },
    ],
  });
  assert.deepEqual(readParameters(documentWith({}), { one: ['x'] }), {
    ok: false,
    problems: [{ path: 'one', message: 'Parameter one must be left out: the document has no parameters.' }],
  });
});

test('a value is never repeated: it may be a secret', () => {
  const document = documentWith({
    one: { type: 'String', allowedPattern: '^a$' },
    two: { type: 'Boolean' },
    three: { type: 'StringMap' },
  });
  const read = readParameters(document, { one: ['hunter2'], two: ['hunter2'], three: ['hunter2'] });
  assert.ok(!read.ok);
  assert.equal(read.problems.length, 3);
  assert.doesNotMatch(JSON.stringify(read), /hunter2/);
});

test('a text that its pattern is too costly for is refused instead of looked at for long', () => {
  const document = documentWith({ one: { type: 'String', allowedPattern: '(a?){500}b' } });
  const read = readParameters(document, { one: ['a'.repeat(60_000)] });
  assert.ok(!read.ok);
  assert.match(read.problems[0]!.message, /must be shorter: its allowedPattern is too costly/);
});
