/** The documents that every installation has are documents, with AWS's parameters, for the right platforms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  builtInDocuments,
  documentFrom,
  executionSecondsOf,
  platformTypesOf,
  readParameters,
  stepsWith,
} from './index.ts';

function builtIn(name: string) {
  const found = builtInDocuments.find((one) => one.name === name);
  assert.ok(found);
  const read = documentFrom(found.content);
  assert.ok(read.ok, JSON.stringify(read));
  return read.value;
}

test('each is a valid document for the platforms that it serves', () => {
  const platforms = builtInDocuments.map(({ name }) => [name, platformTypesOf(builtIn(name))]);
  assert.deepEqual(Object.fromEntries(platforms), {
    'AWS-ConfigureCloudWatch': ['Windows'],
    'AWS-InstallPowerShellModule': ['Windows'],
    'AWS-RunPowerShellScript': ['Linux', 'MacOS', 'Windows'],
    'AWS-RunRemoteScript': ['Linux', 'Windows'],
    'AWS-RunShellScript': ['Linux', 'MacOS'],
  });
});

test('a shell script is its lines, its folder and its time limit', () => {
  const document = builtIn('AWS-RunShellScript');
  const read = readParameters(document, { commands: ['echo hi', 'true'], executionTimeout: ['60'] });
  assert.ok(read.ok);
  assert.deepEqual(stepsWith(document, read.value), [
    {
      name: 'aws:runShellScript',
      action: 'aws:runShellScript',
      inputs: [
        {
          id: '0.aws:runShellScript',
          runCommand: ['echo hi', 'true'],
          workingDirectory: '',
          timeoutSeconds: '60',
        },
      ],
    },
  ]);
  assert.equal(executionSecondsOf(document, read.value), 60);
});

for (const [seconds, isAllowed] of [
  ['1', true],
  ['172800', true],
  ['172801', false],
  ['0', false],
  ['060', false],
  ['', false],
] as const) {
  test(`an executionTimeout of "${seconds}" is ${isAllowed ? 'taken' : 'refused'}`, () => {
    const read = readParameters(builtIn('AWS-RunShellScript'), {
      commands: ['true'],
      executionTimeout: [seconds],
    });
    assert.equal(read.ok, isAllowed);
  });
}

test('a remote script takes what to fetch as JSON', () => {
  const document = builtIn('AWS-RunRemoteScript');
  const read = readParameters(document, {
    sourceType: ['HTTP'],
    sourceInfo: ['{"url": "https://example.com/hello.sh"}'],
    commandLine: ['hello.sh'],
  });
  assert.ok(read.ok);
  const [download, , run] = stepsWith(document, read.value);
  assert.deepEqual(download?.inputs[0]?.sourceInfo, { url: 'https://example.com/hello.sh' });
  assert.deepEqual(run?.inputs[0]?.runCommand, ['PATH="$PATH:$(pwd)"', 'hello.sh']);
});

test('where GitHub or S3 is asked for, the answer says what is served', () => {
  const read = readParameters(builtIn('AWS-RunRemoteScript'), { sourceType: ['S3'] });
  assert.ok(!read.ok);
  assert.deepEqual(read.problems, [
    { path: 'sourceType', message: 'Parameter sourceType must be one of "HTTP", "Git".' },
  ]);
});

test('the properties of CloudWatch come from a parameter', () => {
  const document = builtIn('AWS-ConfigureCloudWatch');
  const read = readParameters(document, { properties: ['{"EngineConfiguration": {}}'] });
  assert.ok(read.ok);
  assert.deepEqual(stepsWith(document, read.value)[0]?.inputs, [{ EngineConfiguration: {} }]);
});
