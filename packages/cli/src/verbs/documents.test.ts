/** Documents from a file to the server and back, by a person's verbs. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from '../../../../test/harness/server.ts';
import { widthOf } from '../output/width.ts';
import { rollcall, type TestIoOptions } from '../testing/io.ts';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server?.stop();
  server?.remove();
});

const documents = (args: readonly string[], options: TestIoOptions = {}) =>
  rollcall(['documents', ...args], { ...options, env: { ROLLCALL_DATA: server.data } });
const ok = async (...args: string[]) => {
  const { code, out, err } = await documents(args);
  assert.equal(code, 0, err);
  // A document's own lines are as long as they are.
  if (args[0] !== 'show') for (const line of out.split('\n')) assert.ok(widthOf(line) <= 80, line);
  return out;
};
const content = (line: string) => `schemaVersion: '2.2'
description: says hello
mainSteps:
  - action: aws:runShellScript
    name: hello
    inputs:
      runCommand: ['${line}']
`;

test('the built-in ones are listed, with what they run on, and shown', async () => {
  const list = await ok('list');
  assert.match(list, /^AWS-RunShellScript +\d+ +JSON +Amazon +Linux/m);
  assert.match(list, /^\d+ documents in us-east-1, which is all\.$/m);
  assert.equal(JSON.parse(await ok('show', 'AWS-RunShellScript')).schemaVersion, '1.2');
  assert.match(await ok('list', '--mine'), /None of your own.*documents create/);
});

test('made, changed, chosen, deleted; what is wrong with one is said', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const file = path.join(folder, 'hello.yaml');
  writeFileSync(file, content('echo one'));
  assert.match(await ok('create', 'Hello', file), /\[✓\] Hello is there.*\n {4}rollcall run Hello NODE/);
  assert.equal(await ok('show', 'Hello'), content('echo one'));
  const two = await documents(['update', 'Hello', '-'], { stdin: content('echo two') });
  assert.match(
    two.out,
    /version 2\.\n {4}Commands still run version 1.*\n {4}rollcall documents default Hello 2/,
  );
  assert.equal(await ok('show', 'Hello'), content('echo one'));
  assert.equal(await ok('show', 'Hello', '--version', '2'), content('echo two'));
  await ok('default', 'Hello', '2');
  assert.equal(await ok('show', 'Hello'), content('echo two'));
  writeFileSync(file, content('echo three'));
  assert.match(await ok('update', 'Hello', file, '--default'), /version 3\.\n {4}Commands run it/);
  assert.match(await ok('list', '--mine'), /^Hello +\S+ +YAML/m);
  await ok('delete', 'Hello', '--version', '1');
  await ok('delete', 'Hello');
  assert.equal((await documents(['show', 'Hello'])).code, 1);

  writeFileSync(file, 'schemaVersion: "2.2"\nmainSteps: 3\n');
  const wrong = await documents(['create', 'Wrong', file]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /InvalidDocumentContent/);
  assert.equal((await documents(['create', 'Wrong', '/no/such/file'])).code, 2);
});

test('a refusal says what to do next', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rollcall-cli-'));
  const file = path.join(folder, 'twice.yaml');
  writeFileSync(file, content('echo hello'));
  await ok('create', 'Twice', file);
  const again = await documents(['create', 'Twice', file]);
  assert.equal(again.code, 1);
  assert.ok(again.err.replaceAll(/\s+/g, ' ').includes(`rollcall documents update Twice ${file}`), again.err);
  const nowhere = await documents(['create', 'Other', `${file}.none`]);
  assert.equal(nowhere.err.replaceAll(/\s+/g, ' ').trim(), `There is no file ${file}.none.`);
});
