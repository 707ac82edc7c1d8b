/** Documents of every schema are read; what is wrong with one is said all at once, with the place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentFrom, documentHash, type Json, problemsText, readDocument, writeYaml } from './index.ts';

const step = { action: 'aws:runShellScript', name: 'one', inputs: { runCommand: ['true'] } };
const document = (more: object = {}) => ({ schemaVersion: '2.2', mainSteps: [step], ...more });
const withStep = (more: object) => document({ mainSteps: [{ ...step, ...more }] });
const withParameter = (declaration: Json) => document({ parameters: { one: declaration } });
const old = (plugin: Json) => ({ schemaVersion: '1.2', runtimeConfig: { 'aws:runShellScript': plugin } });

test('schema 2.2, with everything that it can have', () => {
  const content = {
    schemaVersion: '2.2',
    description: 'Says hello.',
    parameters: { text: { type: 'String', default: 'hello', maxChars: '20', displayType: 'textfield' } },
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'say-hello_1',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { runCommand: ['echo {{ text }}'], timeoutSeconds: 30, onFailure: 'exit', finallyStep: true },
        maxAttempts: 2,
        timeoutSeconds: 30,
        onFailure: 'Continue',
      },
    ],
  };
  assert.deepEqual(documentFrom(content), {
    ok: true,
    value: {
      schemaVersion: '2.2',
      description: 'Says hello.',
      parameters: { text: { type: 'String', default: 'hello', maxChars: 20, displayType: 'textfield' } },
      steps: [
        {
          name: 'say-hello_1',
          action: 'aws:runShellScript',
          inputs: [content.mainSteps[0]!.inputs],
          precondition: { StringEquals: ['platformType', 'Linux'] },
        },
      ],
      content,
    },
  });
});

test('schema 1.2: the plugins are the steps, each property one after another', () => {
  const properties = [
    { id: '0.aws:runShellScript', runCommand: ['a'] },
    { id: '1.aws:runShellScript', runCommand: ['b'] },
  ];
  const read = documentFrom(old({ properties }));
  assert.ok(read.ok);
  assert.deepEqual(read.value.steps, [
    { name: 'aws:runShellScript', action: 'aws:runShellScript', inputs: properties },
  ]);
  const single = documentFrom(old({ properties: { runCommand: '{{ commands }}' } }));
  assert.deepEqual(single.ok && single.value.steps[0]?.inputs, [{ runCommand: '{{ commands }}' }]);
});

test('YAML is read as the same document as JSON', async () => {
  const yaml = `
# A comment.
schemaVersion: "2.2"
mainSteps:
- action: aws:runShellScript
  name: one
  inputs:
    runCommand: ['true']
`;
  const fromYaml = await readDocument(yaml, 'YAML');
  const fromJson = await readDocument(JSON.stringify(document()), 'JSON');
  assert.ok(fromJson.ok);
  assert.deepEqual(fromYaml, fromJson);
  const written = await writeYaml(fromJson.value.content);
  assert.match(written, /^schemaVersion: "2.2"\nmainSteps:\n/);
  assert.deepEqual(await readDocument(written, 'YAML'), fromJson);
});

test('everything that is wrong is said at once', () => {
  const read = documentFrom({
    schemaVersion: '2.2',
    mainstep: [],
    parameters: { 'a-b': { type: 'String' }, list: { type: 'List' } },
    mainSteps: [step, { action: 'aws:runShelScript', name: 'one' }],
  });
  assert.ok(!read.ok);
  assert.deepEqual(
    read.problems.map(({ path }) => path),
    [
      'mainstep',
      'parameters.a-b',
      'parameters.list.type',
      'mainSteps[1].name',
      'mainSteps[1].action',
      'mainSteps[1].inputs',
    ],
  );
  assert.match(
    problemsText(read.problems),
    /mainSteps\[1\]\.name: It must be another one: "one" is an earlier/,
  );
});

for (const [what, content, path, message] of [
  ['no schema', { mainSteps: [step] }, 'schemaVersion', /"1\.2", "2\.0" or "2\.2"/],
  ['a number as schema', document({ schemaVersion: 2.2 }), 'schemaVersion', /as text, in quotes/],
  ['an automation', document({ schemaVersion: '0.3' }), 'schemaVersion', /"2\.2"/],
  ['text', 'hello', '', /an object/],
  ['null', null, '', /an object/],
  ['no steps', document({ mainSteps: [] }), 'mainSteps', /1 to 250 steps/],
  ['too many steps', document({ mainSteps: Array(251).fill(step) }), 'mainSteps', /1 to 250 steps/],
  ['a step that is text', document({ mainSteps: ['true'] }), 'mainSteps[0]', /an object with action/],
  [
    'steps in schema 1.2',
    { ...old({ properties: step.inputs }), mainSteps: [step] },
    'mainSteps',
    /left out/,
  ],
  ['no plugins', { schemaVersion: '1.2', runtimeConfig: {} }, 'runtimeConfig', /a member for each plugin/],
  ['no properties', old({}), 'runtimeConfig["aws:runShellScript"].properties', /an object/],
  [
    'an unknown action',
    withStep({ action: 'aws:rm' }),
    'mainSteps[0].action',
    /not "aws:rm": aws:applications, /,
  ],
  ['a name that leads away', withStep({ name: '../../etc' }), 'mainSteps[0].name', /1 to 128 letters/],
  ['a name with a slash', withStep({ name: 'a/b' }), 'mainSteps[0].name', /letters/],
  ['a name that is too long', withStep({ name: 'a'.repeat(129) }), 'mainSteps[0].name', /1 to 128/],
  ['inputs as a list', withStep({ inputs: [step.inputs] }), 'mainSteps[0].inputs', /an object/],
  [
    'an id that leads away',
    withStep({ inputs: { ...step.inputs, id: '../x' } }),
    'mainSteps[0].inputs.id',
    /a folder/,
  ],
  [
    'an id with two dots',
    withStep({ inputs: { ...step.inputs, id: 'a..b' } }),
    'mainSteps[0].inputs.id',
    /a folder/,
  ],
  ['no commands', withStep({ inputs: {} }), 'mainSteps[0].inputs.runCommand', /a list of lines/],
  [
    'a command that is text',
    withStep({ inputs: { runCommand: 'true' } }),
    'mainSteps[0].inputs.runCommand',
    /lines/,
  ],
  [
    'a precondition before 2.2',
    { ...withStep({ precondition: {} }), schemaVersion: '2.0' },
    'mainSteps[0].precondition',
    /2\.2/,
  ],
  [
    'an unknown operator',
    withStep({ precondition: { NotEquals: ['a', 'b'] } }),
    'mainSteps[0].precondition.NotEquals',
    /StringEquals/,
  ],
  [
    'one operand',
    withStep({ precondition: { StringEquals: ['a'] } }),
    'mainSteps[0].precondition.StringEquals',
    /two texts/,
  ],
  ['an unknown member', withStep({ input: {} }), 'mainSteps[0].input', /left out/],
  ['an unknown type', withParameter({ type: 'Number' }), 'parameters.one.type', /String, StringList/],
  [
    'a default of another type',
    withParameter({ type: 'String', default: 1 }),
    'parameters.one.default',
    /a String/,
  ],
  [
    'a default that is not allowed',
    withParameter({ type: 'String', default: 'c', allowedValues: ['a'] }),
    'parameters.one.default',
    /one of "a"/,
  ],
  [
    'a default against its pattern',
    withParameter({ type: 'String', default: 'c', allowedPattern: '^[ab]$' }),
    'parameters.one.default',
    /match "\^\[ab\]\$"/,
  ],
  [
    'a pattern that agents refuse',
    withParameter({ type: 'String', allowedPattern: '(?=a)' }),
    'parameters.one.allowedPattern',
    /unsupported Perl syntax/,
  ],
  [
    'a count below zero',
    withParameter({ type: 'String', minChars: -1 }),
    'parameters.one.minChars',
    /whole number/,
  ],
  ['NUL', withStep({ inputs: { runCommand: ['a\0b'] } }), 'mainSteps[0].inputs.runCommand[0]', /NUL/],
  [
    'half a character',
    withStep({ inputs: { runCommand: ['\ud800'] } }),
    'mainSteps[0].inputs.runCommand[0]',
    /Unicode/,
  ],
  [
    'an infinite number',
    withStep({ inputs: { ...step.inputs, a: Number.POSITIVE_INFINITY } }),
    'mainSteps[0].inputs.a',
    /a number between/,
  ],
  [
    'a number that is not exact',
    withStep({ inputs: { ...step.inputs, a: 2 ** 53 } }),
    'mainSteps[0].inputs.a',
    /9007199254740991/,
  ],
  [
    'a date',
    withStep({ inputs: { ...step.inputs, a: new Date(0) } }),
    'mainSteps[0].inputs.a',
    /plain object/,
  ],
] as const) {
  test(`${what}: refused at ${path || 'the whole'}`, () => {
    const read = documentFrom(content);
    assert.ok(!read.ok);
    assert.deepEqual(
      read.problems.map((problem) => problem.path),
      [path],
    );
    assert.match(read.problems[0]!.message, message);
  });
}

for (const [what, text, format, path, message] of [
  ['not JSON', '{"schemaVersion": \n oops}', 'JSON', '', /well-formed JSON: see line 2, column 2/],
  ['half of it', '{"schemaVersion":', 'JSON', '', /see line 1, column 18/],
  ['a comma too many', '{"a": [1, 2,\n]}', 'JSON', '', /see line 2, column 1/],
  ['a comma too few', '{"a": 1\n"b": 2}', 'JSON', '', /see line 2, column 1/],
  ['a tab in a text', '{"a": "\t"}', 'JSON', '', /see line 1, column 8/],
  ['a wrong escape', '{"a": "\\x"}', 'JSON', '', /see line 1, column 9/],
  ['something after it', '{} {}', 'JSON', '', /see line 1, column 4/],
  ['a name twice', '{"a": {"b": 1, "b": 2}}', 'JSON', 'a.b', /only once/],
  ['a name twice, spelt differently', '{"a": 1, "\\u0061": 2}', 'JSON', 'a', /only once/],
  ['__proto__', '{"__proto__": {"schemaVersion": "2.2"}}', 'JSON', '__proto__', /reserved/],
  ['a name twice', 'a:\n- b: 1\n  b: 2\n', 'YAML', 'a[0].b', /only once/],
  ['__proto__', '__proto__: {a: b}', 'YAML', '__proto__', /reserved/],
  ['an alias', 'a: b\nc: *a', 'YAML', 'c', /aliases are not accepted/],
  ['a merge key', 'a:\n  <<: {b: c}', 'YAML', 'a["<<"]', /merge keys are not accepted/],
  ['an anchor', 'a: &x [1]', 'YAML', 'a', /no anchor/],
  ['a tag', 'a: !!set {b, c}', 'YAML', 'a', /no tag/],
  ['two documents', 'a: b\n---\nc: d', 'YAML', '', /one YAML document \(line 2, column 1\)/],
  ['a directive', '%YAML 1.1\n---\na: yes', 'YAML', '', /no directives/],
  ['a list as a name', '? [a]\n: b', 'YAML', '', /plain words/],
  ['not YAML', 'a: "b', 'YAML', '', /well-formed YAML: .*\(line 1, column 6\)/],
  ['a control character', 'a: \x07', 'YAML', '', /no control characters \(line 1, column 4\)/],
  ['too much', `{"a": "${'b'.repeat(65_536)}"}`, 'JSON', '', /larger than 64 KiB/],
  ['too much in bytes', `a: ${'é'.repeat(32_768)}`, 'YAML', '', /larger than 64 KiB/],
  ['half a character in a comment', '# \ud800\na: b', 'YAML', '', /Unicode/],
] as const) {
  test(`${what}, in ${format}: refused at ${path || 'the whole'}`, async () => {
    const read = await readDocument(text, format);
    assert.ok(!read.ok);
    assert.equal(read.problems[0]!.path, path);
    assert.match(read.problems[0]!.message, message);
  });
}

test('an alias bomb is refused, not unfolded', async () => {
  const names = 'abcdefghij';
  const text = [...names].map((name, index) =>
    index === 0 ? `a: &a [${'lol,'.repeat(9)}]` : `${name}: &${name} [${`*${names[index - 1]},`.repeat(9)}]`,
  );
  const read = await readDocument(text.join('\n'), 'YAML');
  assert.ok(!read.ok);
  assert.equal(read.problems.length, 20);
  assert.match(read.problems[0]!.message, /no anchor/);
});

test('a value that contains itself is refused', () => {
  const inputs: Record<string, unknown> = { runCommand: ['true'] };
  inputs.self = inputs;
  const read = documentFrom(withStep({ inputs }));
  assert.ok(!read.ok);
  assert.match(read.problems[0]!.message, /deeper than 50 levels/);
});

test('what a stranger wrote is repeated short, and with nothing that moves a cursor', () => {
  const read = documentFrom(withStep({ action: `\u001b[2J\u202e${'x'.repeat(10_000)}` }));
  assert.ok(!read.ok);
  assert.match(read.problems[0]!.message, /not "\\u\{1b\}\[2J\\u\{202e\}x{55}…":/);
});

test('the hash is that of the text, byte by byte', () => {
  assert.equal(documentHash('é'), '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c');
  assert.notEqual(documentHash('{"a":1}'), documentHash('{"a": 1}'));
});
