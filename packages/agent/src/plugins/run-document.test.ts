/** Documents that run documents: from the server and from what was downloaded, and no deeper than is sensible. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Enrolled, enrol, shellDocument, stepsDocument } from '../testing/enrolled.ts';
import { documentNameOf } from './document-name.ts';

let it: Enrolled;
beforeEach(async () => {
  it = await enrol();
  await it.start();
});
afterEach(() => it.remove());

async function run(document: object) {
  const id = it.server.offer(document);
  await it.server.until('it has ended', () => it.server.endOf(id) !== undefined);
  const end = it.server.endOf(id)!;
  return { end, step: Object.values(end.runtimeStatus ?? {})[0]! };
}

const within = (documentPath: string, more: object = {}) =>
  stepsDocument({ rd: { action: 'aws:runDocument', documentType: 'SSMDocument', documentPath, ...more } });

const inner = (lines: string[], name = 'in') => ({
  schemaVersion: '2.2',
  parameters: { w: { type: 'String', default: 'd', allowedPattern: '^[a-z]+$' } },
  mainSteps: [{ action: 'aws:runShellScript', name, inputs: { runCommand: lines } }],
});

test('a document of the server, with parameters, as one step', async () => {
  it.server.state.documents.Inner = JSON.stringify(inner(['echo inner-{{ w }}']));
  const { end, step } = await run(within('Inner', { documentParameters: { w: 'zz' } }));
  assert.equal(end.documentStatus, 'Success');
  assert.deepEqual(
    [step.name, step.status, step.code, step.output],
    ['aws:runDocument', 'Success', 0, 'inner-zz\n'],
  );
  const asked = it.server.named('GetDocument')[0]!;
  assert.deepEqual(asked.body, { Name: 'Inner' });
  assert.match(asked.headers.authorization ?? '', /\/us-east-1\/ssm\//);
  const text = await run(within('Inner:2', { documentParameters: '{"w":"text"}' }));
  assert.equal(text.step.output, 'inner-text\n');
  assert.deepEqual(it.server.named('GetDocument')[1]?.body, { Name: 'Inner', DocumentVersion: '2' });
  assert.equal((await run(within('Inner'))).step.output, 'inner-d\n');
});

test('its steps’ outputs are joined, the worst of them is its status', async () => {
  it.server.state.documents.Inner = JSON.stringify({
    schemaVersion: '2.2',
    mainSteps: [
      ...inner(['echo one; echo oops >&2'], 'a').mainSteps,
      ...inner(['printf two; exit 5'], 'b').mainSteps,
      ...inner(['echo three'], 'c').mainSteps,
    ],
  });
  const { end, step } = await run(within('Inner'));
  assert.equal(end.documentStatus, 'Failed');
  assert.equal(step.standardOutput, 'one\ntwo\nthree\n');
  assert.equal(step.standardError, 'oops\nfailed to run commands: exit status 5');
  assert.equal(step.code, 5);
});

test('a document on this machine, in YAML, absolute or among the downloads', async () => {
  const folder = join(it.root, 'mine');
  mkdirSync(folder);
  const yaml = [
    'schemaVersion: "2.2"',
    'mainSteps:',
    '- action: aws:runShellScript',
    '  name: local',
    '  inputs:',
    '    runCommand:',
    '    - echo from-yaml',
  ].join('\n');
  writeFileSync(join(folder, 'doc.yaml'), yaml);
  const local = { documentType: 'LocalPath' };
  const { step } = await run(within(join(folder, 'doc.yaml'), local));
  assert.equal(step.output, 'from-yaml\n');
  it.server.state.documents.Inner = yaml;
  const { end } = await run(
    stepsDocument({
      get: { action: 'aws:downloadContent', sourceType: 'SSMDocument', sourceInfo: '{"name":"Inner"}' },
      go: { action: 'aws:runDocument', documentType: 'LocalPath', documentPath: 'Inner.yaml' },
      here: { runCommand: ['ls'] },
    }),
  );
  assert.deepEqual(end.additionalInfo.runtimeStatusCounts, { Success: 3 });
  const seen = it.server.replies.flatMap(({ content }) => content.runtimeStatus?.here?.output ?? []);
  assert.deepEqual(seen, ['Inner.yaml\n']);
});

test('documents within documents within documents end somewhere', async () => {
  it.server.state.documents.Self = JSON.stringify(within('Self'));
  const { end, step } = await run(within('Self'));
  assert.equal(end.documentStatus, 'Failed');
  assert.match(step.standardError, /3 deep and no deeper/);
  assert.equal(it.server.named('GetDocument').length, 3);
});

test('what is wrong with it is told', async () => {
  it.server.state.documents.Bad = '{"schemaVersion":"2.2"}';
  it.server.state.documents.Inner = JSON.stringify(inner(['true']));
  const said = async (document: object) => (await run(document)).step.standardError;
  assert.match(await said(within('Nope')), /document Nope could not be had/);
  assert.match(await said(within('Bad')), /document is not valid.*mainSteps/);
  assert.match(await said(within('Inner', { documentParameters: { w: 'NOT' } })), /w.*must match/);
  assert.match(await said(within('Inner', { documentParameters: 'no json' })), /documentParameters must be/);
  assert.match(await said(within('/no/such', { documentType: 'LocalPath' })), /no document \/no\/such/);
  assert.match(await said(within('x', { documentType: 'Other' })), /SSMDocument or LocalPath/);
});

test('cancelling reaches into documents within documents', async () => {
  const mark = join(it.root, 'mark');
  it.server.state.documents.Inner = JSON.stringify(inner([`echo on; touch ${mark}; sleep 300`]));
  const id = it.server.offer(within('Inner'));
  await it.server.until('it runs', () => existsSync(mark));
  it.server.cancel(id);
  await it.server.until('it has ended', () => it.server.endOf(id) !== undefined);
  assert.equal(it.server.endOf(id)?.documentStatus, 'Cancelled');
  assert.equal(it.server.endOf(id)?.runtimeStatus?.rd?.standardOutput, 'on\n');
});

test('the names of documents, with and without a version', () => {
  assert.deepEqual(documentNameOf('Mine'), { name: 'Mine', version: undefined });
  assert.deepEqual(documentNameOf('Mine:$LATEST'), { name: 'Mine', version: '$LATEST' });
  const arn = 'arn:aws:ssm:us-east-1:123456789012:document/Mine';
  assert.deepEqual(documentNameOf(arn), { name: arn, version: undefined });
  assert.deepEqual(documentNameOf(`${arn}:4`), { name: arn, version: '4' });
});

test('a document of one step is still only one step when it is run by another', async () => {
  it.server.state.documents.Inner = JSON.stringify(shellDocument(['echo x']));
  const { end } = await run(within('Inner'));
  assert.deepEqual(Object.keys(end.runtimeStatus ?? {}), ['rd']);
});
