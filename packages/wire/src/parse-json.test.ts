/** JSON of strangers is parsed or refused; no text ends the process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameError, frameMessage, messageFrame } from './frames.ts';
import { parseJson } from './parse-json.ts';

// With `JSON.parse` the second round of this ends Node 26.10.0 with a segmentation fault.
const deadly = `${'[1,'.repeat(20_000)}[1]`;

test('text that Node’s own parser does not survive is refused', () => {
  for (let round = 0; round < 5; round++) assert.throws(() => parseJson(deadly), SyntaxError);
});

test('as the payload of a frame as well', () => {
  const frame = { ...messageFrame('agent_job_ack', {}, { createdAt: 1 }), payload: Buffer.from(deadly) };
  for (let round = 0; round < 5; round++) assert.throws(() => frameMessage(frame), FrameError);
});

test('anything else is what JSON says, however long', () => {
  const value = { list: Array.from({ length: 3000 }, (_, index) => ({ text: '[[[{{{"', index })) };
  assert.deepEqual(parseJson(JSON.stringify(value)), value);
  assert.deepEqual(parseJson(`${'['.repeat(64)}${' '.repeat(3000)}${']'.repeat(64)}`), nested(64));
  assert.throws(() => parseJson(`{"a": ${' '.repeat(3000)}`), SyntaxError);
});

function nested(levels: number): unknown[] {
  return levels === 1 ? [] : [nested(levels - 1)];
}
