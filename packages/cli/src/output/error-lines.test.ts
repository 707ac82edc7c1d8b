/** Messages on a page of 80 columns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorLines } from './error-lines.ts';

test('what fits is left alone', () => {
  const line = 'No node is called "x" here. All of them: rollcall nodes';
  assert.deepEqual(errorLines(line), [line]);
});

test('a long message is wrapped, and the command in it stands whole on its own line', () => {
  const folder = '/srv/a-rather-long-name/of-a-folder/rollcall-data';
  assert.deepEqual(
    errorLines(
      `No node is called "web-03" here. All of them: rollcall nodes --data ${folder}. Or wait for it.`,
    ),
    ['No node is called "web-03" here. All of them:', `  rollcall nodes --data ${folder}`, 'Or wait for it.'],
  );
  const words = errorLines(`${'word '.repeat(40)}end`);
  assert.ok(words.length > 1 && words.every((line) => line.length <= 80));
});

test('a command on a line of its own is never broken', () => {
  const line = `  /srv/${'long/'.repeat(14)}rollcall leave --root /var/lib/rollcall-agent`;
  assert.deepEqual(errorLines(`Or:\n${line}`), ['Or:', line]);
});

test('lines that the message has itself stay, and what is untrusted in it is harmless', () => {
  assert.deepEqual(errorLines('two:\n  mi-1\n  mi-\u001b[31m2'), ['two:', '  mi-1', '  mi-\\x1b[31m2']);
});
