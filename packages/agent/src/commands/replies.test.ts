/** Replies are what agent 3.3.0.0 says on the wire, but for its name; and they always fit into a frame. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandReply } from '@rollcall/wire';
import { agentVersion } from '../version.ts';
import { beginningReply, documentStatus, finalReply, type StepOutcome, stepEndedReply } from './replies.ts';

const at = Date.parse('2026-11-23T12:25:09.222Z');
const shell: StepOutcome = {
  name: 'aws:runShellScript',
  action: 'aws:runShellScript',
  status: 'Success',
  code: 0,
  startedAt: Date.parse('2026-11-23T12:25:09.177Z'),
  endedAt: Date.parse('2026-11-23T12:25:09.221Z'),
  stdout: 'hello\n',
  stderr: 'oops\n',
};

test('the last reply to a command of one step, as it was recorded of the official agent', () => {
  const recorded = `{"additionalInfo":{"agent":{"lang":"en-US","name":"amazon-ssm-agent","os":"linux","osver":"1","ver":"3.3.0.0"},"dateTime":"2026-11-23T12:25:09.222Z","runId":"","runtimeStatusCounts":{"Success":1}},"documentStatus":"Success","documentTraceOutput":"","runtimeStatus":{"aws:runShellScript":{"status":"Success","code":0,"name":"aws:runShellScript","output":"hello\\n\\n----------ERROR-------\\noops\\n","startDateTime":"2026-11-23T12:25:09.177Z","endDateTime":"2026-11-23T12:25:09.221Z","outputS3BucketName":"","outputS3KeyPrefix":"","stepName":"","standardOutput":"hello\\n","standardError":"oops\\n"}}}`;
  const ours = recorded
    .replace('amazon-ssm-agent', 'rollcall-agent')
    .replace('"ver":"3.3.0.0"', `"ver":"${agentVersion}"`)
    .replace('"os":"linux"', `"os":"${process.platform}"`);
  assert.equal(finalReply(at, [shell], ''), ours);
});

test('a command that begins has nothing to count; a step that ended counts those before it', () => {
  const begun = JSON.parse(beginningReply(at)) as CommandReply;
  assert.deepEqual(
    [begun.documentStatus, begun.runtimeStatus, begun.additionalInfo.runtimeStatusCounts],
    ['InProgress', null, null],
  );
  const skipped: StepOutcome = {
    ...shell,
    name: 'win',
    status: 'Skipped',
    message: 'left out',
    stdout: '',
    stderr: '',
  };
  const reply = JSON.parse(stepEndedReply(at, [shell, skipped], skipped)) as CommandReply;
  assert.deepEqual(reply.additionalInfo.runtimeStatusCounts, { Success: 1, Skipped: 1 });
  assert.deepEqual(Object.keys(reply.runtimeStatus ?? {}), ['win']);
  assert.equal(reply.runtimeStatus?.win?.output, 'left out');
  assert.equal(reply.runtimeStatus?.win?.standardOutput, '');
  const end = JSON.parse(finalReply(at, [shell, skipped], '')) as CommandReply;
  assert.deepEqual(end.runtimeStatus, {});
});

test('the worst step is the whole, a failure has a code', () => {
  assert.equal(documentStatus(['Success', 'Skipped']), 'Success');
  assert.equal(documentStatus(['TimedOut', 'Cancelled']), 'TimedOut');
  assert.equal(documentStatus(['Cancelled', 'Success']), 'Cancelled');
  assert.equal(documentStatus(['TimedOut', 'Failed', 'Success']), 'Failed');
  assert.equal(documentStatus(['Failed', 'SuccessAndReboot']), 'SuccessAndReboot');
  const failed = JSON.parse(finalReply(at, [{ ...shell, status: 'Failed' }], '')) as CommandReply;
  assert.equal(failed.runtimeStatus?.['aws:runShellScript']?.code, 1);
});

test('whatever a command prints, the reply fits into a frame', () => {
  for (const character of ['x', '"', '\n', '漢', '\u0001', '😀', '\ud800']) {
    const text = character.repeat(24_001);
    const content = finalReply(at, [{ ...shell, stdout: text, stderr: text }], '');
    assert.ok(Buffer.byteLength(content) <= 120_000, `${JSON.stringify(character)}: ${content.length}`);
    assert.ok(Buffer.byteLength(JSON.stringify(content)) <= 139_000);
    const step = (JSON.parse(content) as CommandReply).runtimeStatus!['aws:runShellScript']!;
    assert.ok(step.standardOutput.endsWith('--output truncated--'));
    assert.ok(step.standardOutput.length > 5000);
  }
});
