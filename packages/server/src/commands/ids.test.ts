/** The ids of jobs, there and back. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelJobId, jobId, readJobId } from './ids.ts';

const nodeId = 'mi-0123456789abcdef0';

test('a job and the order to cancel it are told apart, and both lead to the command', () => {
  for (let n = 0; n < 100; n++) {
    const commandId = randomUUID();
    assert.deepEqual(readJobId(jobId(commandId, nodeId)), { commandId, nodeId, cancels: false });
    assert.deepEqual(readJobId(cancelJobId(commandId, nodeId)), { commandId, nodeId, cancels: true });
    assert.notEqual(jobId(commandId, nodeId), cancelJobId(commandId, nodeId));
  }
});

test('what we never made is nobody', () => {
  for (const text of [
    '',
    'aws.ssm.',
    `aws.ssm.${nodeId}`,
    `aws.ssm.../../etc.${nodeId}`,
    `aws.ssm.11111111-2222-3333-4444-555555555555.${nodeId}`,
    `other.${randomUUID()}.${nodeId}`,
  ])
    assert.equal(readJobId(text), undefined, text);
});
