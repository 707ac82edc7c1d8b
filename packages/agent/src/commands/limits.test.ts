/** Output that is too long is cut where agent 3.3.0.0 cuts it, and says so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginning, streamText, summaryText } from './limits.ts';

const errors = '\n----------ERROR-------\n';

test('what fits is whole', () => {
  assert.equal(summaryText('out\n', ''), 'out\n');
  assert.equal(summaryText('hello\n', 'oops\n'), `hello\n${errors}oops\n`);
  assert.equal(summaryText('', 'oops\n'), `${errors}oops\n`);
  assert.equal(streamText('x'.repeat(24_000)).length, 24_000);
});

test('a long stream ends with a word, and has exactly 24,000 characters', () => {
  const cut = streamText('x'.repeat(60_000));
  assert.equal(cut.length, 24_000);
  assert.ok(cut.endsWith('x--output truncated--'));
});

test('of both streams together, the long one is cut, or both if both are', () => {
  const [long, short] = ['o'.repeat(5000), 'short'];
  const output = summaryText(long, short);
  assert.equal(output.length, 2500);
  assert.ok(output.endsWith(`o\n---Output truncated---${errors}short`));
  const error = summaryText(short, long);
  assert.equal(error.length, 2500);
  assert.ok(error.startsWith(`short${errors}o`) && error.endsWith('o\n---Error truncated----'));
  const both = summaryText('o'.repeat(5000), 'e'.repeat(5000));
  assert.ok(both.length <= 2500 && both.length > 2490);
  assert.match(both, /^o+\n---Output truncated---\n-{10}ERROR-{7}\ne+\n---Error truncated----$/);
  assert.equal(summaryText(long, '').length, 2500);
});

test('a character is never cut in half', () => {
  assert.equal(beginning('a😀', 2), 'a');
  assert.equal(beginning('a😀', 3), 'a😀');
  assert.equal(beginning('', 5), '');
});
