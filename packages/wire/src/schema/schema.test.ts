/** Readers and writers of shapes: round trips, violations, and hostile texts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './constraints.ts';
import { compileReader } from './read.ts';
import {
  boolean,
  integer,
  list,
  map,
  oneOf,
  required,
  type Shape,
  string,
  structure,
  timestamp,
} from './shape.ts';
import { compileWriter } from './write.ts';

const shape = structure({
  Name: required(string({ min: 2, max: 4, pattern: '[a-z]+' })),
  Size: integer({ min: 5, max: 50 }),
  Color: oneOf('red', 'green'),
  Secret: string({ max: 3, sensitive: true }),
  Ids: list(string({ min: 2 }), { max: 3 }),
  Parts: list(structure({ Key: required(string()), On: boolean() })),
  Labels: map(string({ max: 3 }), { max: 2, key: string({ min: 2 }) }),
  At: timestamp(),
});
const read = compileReader<Record<string, unknown>>(shape);

function messageOf(value: unknown): string {
  const result = read(typeof value === 'string' ? value : JSON.stringify(value));
  return result.ok ? 'accepted' : `${result.code}: ${result.message}`;
}

/** Values that a shape allows, constraints left aside. */
function valuesOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'string':
      return fc.string({ unit: 'grapheme' });
    case 'integer':
      return fc.maxSafeInteger();
    case 'boolean':
      return fc.boolean();
    case 'timestamp':
      return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') });
    case 'blob':
      return fc.uint8Array().map((bytes) => Buffer.from(bytes));
    case 'list':
      return fc.array(valuesOf(shape.of), { maxLength: 4 });
    case 'map':
      return fc.dictionary(fc.string(), valuesOf(shape.of), { maxKeys: 4, noNullPrototype: true });
    case 'structure': {
      const members = Object.entries(shape.members).map(
        ([name, member]) => [name, valuesOf(member)] as const,
      );
      return fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true });
    }
  }
}

const leaf: fc.Arbitrary<Shape> = fc.constantFrom<Shape>(string(), integer(), boolean(), timestamp(), {
  kind: 'blob',
});
const shapes = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie('shape').map((of) => list(of)),
    tie('shape').map((of) => map(of)),
    fc
      .dictionary(fc.stringMatching(/^[A-Z][a-z]{0,4}$/), tie('shape'), { maxKeys: 4 })
      .map((members) => structure(members)),
  ),
})).shape;

describe('messages', () => {
  it('come back as they were, whatever the shape', () => {
    const generated = shapes
      .map((value) => structure({ Value: value }))
      .chain((whole) => valuesOf(whole).map((value) => ({ whole, value })));
    fc.assert(
      fc.property(generated, ({ whole, value }) => {
        const text = compileWriter(whole)(value);
        assert.deepEqual(compileReader(whole, { lenient: true })(text), { ok: true, value });
      }),
    );
  });

  it('are read without what is unknown or null', () => {
    const result = read('{"Name":"ab","Size":null,"Unknown":{"deep":[1]},"__proto__":{"Color":"red"}}');
    assert.deepEqual(result, { ok: true, value: { Name: 'ab' } });
  });

  it('may be empty when nothing is required', () => {
    assert.deepEqual(compileReader(structure({ A: string() }))(''), { ok: true, value: {} });
  });

  it('never fail otherwise, whatever the text is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"Name":${json},"Parts":[${json}],"Labels":${json}}`),
    );
    fc.assert(fc.property(text, (text) => void read(text)));
  });
});

describe('validation', () => {
  it("tells all violations, in AWS's words", () => {
    assert.equal(
      messageOf({ Size: 3, Color: 'blue', Parts: [{ Key: 'a' }, {}] }),
      'ValidationException: 4 validation errors detected: ' +
        "Value null at 'name' failed to satisfy constraint: Member must not be null; " +
        "Value '3' at 'size' failed to satisfy constraint: Member must have value greater than or equal to 5; " +
        "Value 'blue' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [red, green]; " +
        "Value null at 'parts.2.member.key' failed to satisfy constraint: Member must not be null",
    );
  });

  it('tells of a list once, with all that its members must be', () => {
    assert.equal(
      messageOf({ Name: 'ab', Ids: ['a', 'b'] }),
      "ValidationException: 1 validation error detected: Value '[a, b]' at 'ids' failed to satisfy constraint: " +
        'Member must satisfy constraint: [Member must have length greater than or equal to 2]',
    );
    assert.match(messageOf({ Name: 'ab', Ids: ['aa', 'bb', 'cc', 'dd'] }), /length less than or equal to 3/);
  });

  it('tells of keys and values of a map', () => {
    const message = messageOf({ Name: 'ab', Labels: { a: 'long', bb: 'b', cc: 'c' } });
    assert.match(
      message,
      /Map keys must satisfy constraint: \[Member must have length greater than or equal to 2\]/,
    );
    assert.match(
      message,
      /Map value must satisfy constraint: \[Member must have length less than or equal to 3\]/,
    );
    assert.match(message, /Member must have length less than or equal to 2/);
  });

  it('never repeats what is secret, nor control characters', () => {
    const message = messageOf({ Name: 'a\u001b[2J', Secret: 'hunter2' });
    assert.match(message, /Value at 'secret' failed to satisfy constraint: Member must have length/);
    assert.ok(!message.includes('hunter2') && !message.includes('\u001b'));
  });

  it('matches patterns against the whole string', () => {
    assert.match(messageOf({ Name: 'ab1' }), /regular expression pattern: \[a-z\]\+/);
    assert.ok(compilePattern('(?i)all|[0-9]{2}').test('ALL'));
    assert.ok(!compilePattern('(?i)all|[0-9]{2}').test('12x'));
    assert.ok(compilePattern('^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$').test('größe-1'));
  });

  it('counts characters, not halves of them', () => {
    const four = compileReader(structure({ Name: string({ max: 4 }) }));
    assert.ok(four('{"Name":"🎉🎉🎉🎉"}').ok);
    assert.ok(!four('{"Name":"🎉🎉🎉🎉!"}').ok);
  });

  it('refuses what no database can hold', () => {
    for (const text of ['"a\\u0000"', '"a\\ud800"'])
      assert.match(messageOf(`{"Name":${text}}`), /null characters/);
    assert.match(messageOf('{"Name":"a\\\\u0000"}'), /pattern/);
    assert.match(messageOf('{"Name":"ab","Labels":{"a\\u0000b":"c"}}'), /null characters/);
  });

  it('keeps its message short, however much is wrong', () => {
    const message = messageOf({
      Name: 'x'.repeat(100_000),
      Parts: Array.from({ length: 10_000 }, () => ({})),
    });
    assert.match(message, /10001 validation errors detected/);
    assert.ok(message.length < 10_000, `${message.length} characters`);
  });
});

describe('types', () => {
  const wrong: [text: string, message: string][] = [
    ['{"Name":5}', "NUMBER_VALUE cannot be converted to String (at 'name')"],
    ['{"Name":true}', "TRUE_VALUE cannot be converted to String (at 'name')"],
    ['{"Size":"5"}', "STRING_VALUE cannot be converted to Integer (at 'size')"],
    ['{"Size":5.5}', "NUMBER_VALUE cannot be converted to Integer (at 'size')"],
    ['{"At":"2026-01-01"}', "STRING_VALUE cannot be converted to Timestamp (at 'at')"],
    ['{"At":1e300}', "NUMBER_VALUE cannot be converted to Timestamp (at 'at')"],
    ['{"Name":{}}', "Start of structure or map found where not expected (at 'name')"],
    ['{"Parts":{}}', "Start of structure or map found where not expected (at 'parts')"],
    ['{"Parts":[[]]}', "Start of list found where not expected (at 'parts.1.member')"],
    ['{"Labels":"x"}', "Unexpected value type in payload (at 'labels')"],
    ['[]', "Start of list found where not expected (at '')"],
    ['"text"', 'The message is not a JSON object.'],
    ['null', 'The message is not a JSON object.'],
    ['{', 'The message is not JSON.'],
  ];
  for (const [text, message] of wrong) {
    it(`are checked: ${text}`, () => assert.equal(messageOf(text), `SerializationException: ${message}`));
  }

  it('in what we write are checked as well', () => {
    const write = compileWriter(shape);
    assert.equal(
      write({ Name: 'ab', Extra: 1, Size: undefined, At: new Date(1500) }),
      '{"Name":"ab","At":1.5}',
    );
    for (const bad of [
      { Name: 1 },
      { Size: Number.NaN },
      { At: 5 },
      { At: new Date(Number.NaN) },
      { Ids: 'a' },
    ]) {
      assert.throws(() => write(bad), TypeError);
    }
  });
});

describe('bombs', () => {
  it('of nesting are refused before they are parsed', () => {
    const bombs = [
      '['.repeat(1_000_000),
      '{"a":'.repeat(200_000),
      `{"Unknown":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    ];
    for (const bomb of bombs)
      assert.equal(messageOf(bomb), 'SerializationException: The message is nested too deeply.');
  });

  it('of nesting inside a string are none', () => {
    assert.match(messageOf({ Name: `"${'['.repeat(3000)}\\` }), /ValidationException/);
  });

  it('of nesting in a shape that contains itself are refused', () => {
    const members: Record<string, Shape> = {};
    members.Again = list(structure(members));
    const again = compileReader(structure(members));
    const nested = (times: number) => `${'{"Again":['.repeat(times)}${']}'.repeat(times)}`;
    assert.ok(again(nested(10)).ok);
    const refused = again(nested(60));
    assert.ok(!refused.ok && refused.code === 'SerializationException');
  });
});
