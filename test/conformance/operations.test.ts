/**
 * Every operation of the API model, asked of a real server: each one behaves, or answers an error that its
 * model has. And the table in docs/conformance.md says the truth about which is which.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { operationNames } from '@rollcall/wire/ssm';
import { startServer, type TestServer } from '../harness/server.ts';
import { conformanceTable, NOT_SERVED, probe } from './table.ts';

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(async () => {
  await server.stop();
  server.remove();
});

test('no operation of the model ends in a 500, in HTML or in silence', async () => {
  const names = operationNames('ssm');
  assert.ok(names.length >= 140, `the model has ${names.length} operations`);
  for (const name of names) {
    const answer = await server.admin.call(`ssm:${name}`, {});
    assert.ok(answer.status === 200 || answer.status === 400, `${name}: ${answer.status} ${answer.text}`);
    assert.equal(answer.headers['content-type'], 'application/x-amz-json-1.1', name);
    if (answer.status === 400) assert.match(answer.json.__type, /^[A-Za-z]+$/, name);
    assert.doesNotMatch(answer.text, /node:internal|\bat .*\.ts:\d+/, name);
  }
});

test('an operation that is in no model is unknown', async () => {
  const answer = await server.admin.call('ssm:MakeCoffee', {});
  assert.equal(answer.status, 400);
  assert.equal(answer.json.__type, 'UnknownOperationException');
});

test('docs/conformance.md says what this server serves', async () => {
  const written = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
  const served = await probe(server.admin);
  assert.equal(written, conformanceTable(served), 'run: npm run conformance');
  assert.equal(served.get('DescribeInstanceInformation'), true);
  assert.equal(served.get('StartAutomationExecution'), false, NOT_SERVED);
});
