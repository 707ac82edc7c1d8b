/** Documents that somebody wrote to do harm, or by mistake: generated, with what must hold for each. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type CommandDocument,
  type DocumentFormat,
  documentFrom,
  executionSecondsOf,
  isStepName,
  parameterStoreReferences,
  platformTypesOf,
  problemsText,
  readDocument,
  readParameters,
  stepsWith,
  writeYaml,
} from '../index.ts';

/** The CPU time that any text may cost, in milliseconds. */
const mostMilliseconds = 50;
const mostBytes = 65_536;

const valid = JSON.stringify({
  schemaVersion: '2.2',
  description: 'Says something.',
  parameters: {
    text: { type: 'String', default: 'hello', allowedPattern: '^[a-z ]+$', maxChars: 40 },
    list: { type: 'StringList', default: ['a', 'b'], minItems: 1 },
    map: { type: 'StringMap', default: { a: 'b' } },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'say',
      precondition: { StringEquals: ['platformType', 'Linux'] },
      inputs: { runCommand: ['echo {{ text }}', '{{ list }}'], timeoutSeconds: '60' },
    },
  ],
});
const old = JSON.stringify({
  schemaVersion: '1.2',
  parameters: { commands: { type: 'StringList' } },
  runtimeConfig: { 'aws:runShellScript': { properties: [{ id: '0.a', runCommand: '{{ commands }}' }] } },
});
const yaml = `schemaVersion: '2.2'
parameters:
  text: {type: String, default: "hello"}
mainSteps:
- action: aws:runShellScript
  name: say
  inputs:
    runCommand:
    - echo {{ text }}
    - |
      if true; then
        echo 'more'
      fi
`;
const seeds: readonly [string, DocumentFormat][] = [
  [valid, 'JSON'],
  [old, 'JSON'],
  [yaml, 'YAML'],
  [valid, 'YAML'],
];

const pieces = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ': ',
    '"',
    "'",
    '\\',
    '\\u0000',
    '\\ud800',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '  ',
    '\0',
  ],
  ...[
    '- ',
    '? ',
    '|',
    '>',
    '|-\n',
    '#',
    ' # ',
    '&a ',
    '*a',
    '!!binary ',
    '!x ',
    '<<: *a',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
  ],
  ...[
    'null',
    'true',
    '1e999',
    '99999999999999999999',
    '-0',
    '.inf',
    '0x1',
    '2026-01-01',
    '"__proto__":1',
    '"a":1,"a":1',
  ],
  ...[
    '{{ text }}',
    '{{ssm:secret}}',
    '{{',
    '}}',
    '$$',
    '../',
    'aws:runShellScript',
    'aws:x',
    '🙂',
    '\u202e',
    '\ufeff',
    '\u2028',
  ],
  ...['(a+)+$', '(a|a)*', '[a-', '(?=a)', '\\1', 'a{1,1000}', '(){1000}', '(((a{30}){30}){30})', '\\p{L}*'],
];
const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 8, unit: 'binary' }));

/** A few cuts into a good document, each filled with something else. */
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(), fc.nat(12), piece, fc.constantFrom(1, 1, 1, 40, 3000)), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([[seed, format], cuts]): [string, DocumentFormat] => {
    let text = seed;
    for (const [at, length, put, times] of cuts) {
      const start = at % (text.length + 1);
      text = text.slice(0, start) + put.repeat(times) + text.slice(start + length);
    }
    return [shortened(text), format];
  });

/** The same over and over. */
const repeated = fc
  .tuple(
    fc.constantFrom('', 'a: ', '- ', '[', '{"a":', 'a: |\n ', 'a: "', yaml),
    fc.array(piece, { minLength: 1, maxLength: 4 }),
    fc.constantFrom<DocumentFormat>('JSON', 'YAML'),
  )
  .map(([start, unit, format]): [string, DocumentFormat] => {
    const text = unit.join('') || ' ';
    return [shortened(start + text.repeat(Math.ceil(mostBytes / text.length))), format];
  });

/** Good JSON that isn't a document, wherever a document has a value. */
const misplaced = fc
  .tuple(fc.constantFrom(valid, old), fc.nat(), fc.jsonValue({ maxDepth: 60, stringUnit: 'binary' }))
  .map(([seed, at, value]): [string, DocumentFormat] => {
    let places = 0;
    const count = JSON.stringify(JSON.parse(seed), (_, one) => {
      places += 1;
      return one;
    });
    let left = at % places;
    return [
      shortened(JSON.stringify(JSON.parse(count), (_, one) => (left-- === 0 ? value : one)) ?? ''),
      'JSON',
    ];
  });

function shortened(text: string): string {
  return Buffer.from(text)
    .subarray(0, mostBytes)
    .toString()
    .replace(/\ufffd+$/, '');
}

const hostile = fc.oneof({ arbitrary: mutated, weight: 3 }, { arbitrary: repeated, weight: 2 }, misplaced);

/** Reads many of them. Answers how many there were, how many were documents after all, and the longest time. */
export async function readHostile(runs: number, seed: number) {
  const seen = { documents: 0, accepted: 0, longest: 0 };
  // The first documents pay for loading and compiling our own code, not for what they say.
  for (let round = 0; round < 20; round++)
    for (const [text, format] of seeds) await readDocument(text, format);
  // In portions, since they are large.
  for (let portion = 0; seen.documents < runs; portion++) {
    const numRuns = Math.min(100, runs - seen.documents);
    for (const [text, format] of fc.sample(hostile, { numRuns, seed: seed + portion })) {
      try {
        if (await check(text, format)) seen.accepted += 1;
        seen.longest = Math.max(seen.longest, await cheapest(text, format));
      } catch (error) {
        const shown = JSON.stringify(text.slice(0, 300));
        throw new Error(`${format} of ${text.length} characters, portion ${portion}: ${shown}`, {
          cause: error,
        });
      }
      seen.documents += 1;
    }
  }
  return seen;
}

/** What must hold for each. Answers whether it was accepted. */
async function check(text: string, format: DocumentFormat): Promise<boolean> {
  const read = await readDocument(text, format);
  if (read.ok) {
    await checkAccepted(read.value);
    return true;
  }
  assert.ok(read.problems.length >= 1 && read.problems.length <= 20);
  for (const { message } of read.problems) assert.match(message, /^Its? .*\.$/s);
  const whole = problemsText(read.problems);
  assert.ok(whole.length < 40_000);
  assert.doesNotMatch(whole, /[\0-\x1f\x7f\u2028\u202e]/);
  return false;
}

/** The CPU time that it costs; when that is too much, the least of a few tries: the garbage of others is no part of it. */
async function cheapest(text: string, format: DocumentFormat): Promise<number> {
  let spent = await costOf(text, format);
  for (let again = 0; again < 4 && spent > mostMilliseconds; again++) {
    spent = Math.min(spent, await costOf(text, format));
  }
  assert.ok(spent <= mostMilliseconds, `it costs ${spent} ms`);
  return spent;
}

async function costOf(text: string, format: DocumentFormat): Promise<number> {
  const before = process.threadCpuUsage();
  await readDocument(text, format);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Whoever uses an accepted document needs to check nothing again. */
async function checkAccepted(document: CommandDocument): Promise<void> {
  assert.deepEqual(documentFrom(structuredClone(document.content)), { ok: true, value: document });
  const again = await readDocument(await writeYaml(document.content), 'YAML');
  // A document that is nearly too large may be larger in YAML.
  if (again.ok) assert.deepEqual(again.value.content, document.content);
  assert.ok(document.steps.length > 0);
  for (const { name, action } of document.steps) assert.ok(isStepName(name) || name === action);
  platformTypesOf(document);
  parameterStoreReferences(document.content);
  const given = Object.fromEntries(
    Object.entries(document.parameters).flatMap(([name, { default: value }]) =>
      value === undefined ? [[name, ['{"a": "b"}']]] : [],
    ),
  );
  const values = readParameters(document, given);
  if (values.ok) {
    stepsWith(document, values.value);
    const seconds = executionSecondsOf(document, values.value);
    assert.ok(seconds >= 5 && Number.isSafeInteger(seconds));
  }
}
