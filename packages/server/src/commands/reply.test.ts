/** Reports of agents: those of the official one, and those that mean harm. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readReport } from './reply.ts';

const recorded: { frames: { type: string; payload: string }[] } = JSON.parse(
  readFileSync(new URL('../channels/fixtures/agent-frames.json', import.meta.url), 'utf8'),
);

test('what the official agent (3.3.0.0) was recorded saying is read', () => {
  const reports = recorded.frames
    .filter((frame) => frame.type === 'agent_job_reply')
    .map((frame) => readReport(JSON.parse(frame.payload).content));
  assert.ok(reports.length > 2);
  for (const report of reports) assert.ok(report && /^[A-Z]/.test(report.status));
});

test('what isn’t a report is none', () => {
  for (const text of ['', 'x', '[]', 'null', '{}', '{"documentStatus":1}']) {
    assert.equal(readReport(text), undefined, text);
  }
});

test('text is cut, and made fit to be kept', () => {
  const report = readReport(
    JSON.stringify({
      documentStatus: 'Failed',
      documentTraceOutput: `a\0b${'x'.repeat(10_000)}`,
      runtimeStatus: {
        one: {
          status: 'Failed',
          code: 1e300,
          standardOutput: 'x'.repeat(100_000),
          standardError: '\ud800',
          startDateTime: '0001-01-01T00:00:00.000Z',
          endDateTime: 'never',
        },
        two: 'nothing',
      },
    }),
  );
  assert.ok(report);
  assert.equal(report.trace.length, 2_500);
  assert.ok(report.trace.startsWith('a\uFFFDb'));
  const [step, ...others] = report.steps;
  assert.equal(others.length, 0);
  assert.equal(step?.code, 0);
  assert.equal(step?.stdout.length, 24_000);
  assert.equal(step?.stderr, '\uFFFD');
  assert.equal(step?.start, '');
  assert.equal(step?.end, '');
});

test('many steps are not kept', () => {
  const runtimeStatus = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, n) => [`s${n}`, { status: 'x' }]),
  );
  assert.equal(readReport(JSON.stringify({ documentStatus: 'Success', runtimeStatus }))?.steps.length, 200);
});
