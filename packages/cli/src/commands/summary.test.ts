/** Many nodes, few lines: equal outputs once, failures first, names folded, nothing that a node could forge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenOf } from '../output/screen.ts';
import { widthOf } from '../output/width.ts';
import { openGroups } from './groups.ts';
import { nameLines } from './names.ts';
import type { Finished, Progress } from './outcome.ts';
import { summaryLines } from './summary.ts';

const screen = screenOf({ env: { LANG: 'C.UTF-8' }, stdout: { isTTY: false, write: () => undefined } });
const commandId = '6f1e0a52-8c2f-4b0e-9d1c-0e5f6a7b8c9d';
const command: Progress = {
  CommandId: commandId,
  DocumentName: 'AWS-RunShellScript',
  Status: 'Success',
  StatusDetails: 'Success',
  RequestedDateTime: 0,
  ExpiresAfter: 0,
  RequestedBy: 'admin',
  TargetCount: 0,
  FinishedCount: 0,
  SuccessCount: 0,
  ErrorCount: 0,
  DeliveryTimedOutCount: 0,
  QueuedCount: 0,
};
let number = 0;
function ended(name: string, stdout: string, more: Partial<Finished> & { stderr?: string } = {}): Finished {
  const { stderr, ...rest } = more;
  number += 1;
  return {
    Number: number,
    InstanceId: `mi-${String(number).padStart(17, '0')}`,
    Name: name,
    Status: 'Success',
    StatusDetails: 'Success',
    ResponseCode: 0,
    Steps: [
      {
        Name: 'run',
        Plugin: 'aws:runShellScript',
        Status: rest.Status ?? 'Success',
        StandardOutput: stdout,
        ...(stderr !== undefined && { StandardError: stderr }),
      },
    ],
    ...rest,
  };
}
function summary(all: readonly Finished[], room?: number): string {
  const groups = openGroups(room);
  for (const each of all) groups.add(each);
  const lines = summaryLines(groups, { ...command, TargetCount: all.length }, screen);
  for (const line of lines.filter((each) => !each.startsWith('    '))) assert.ok(widthOf(line) <= 80, line);
  return lines.join('\n');
}

test('281 nodes that say the same say it once; who failed comes first, with what to do', () => {
  const nodes = Array.from({ length: 281 }, (_, n) =>
    ended(`web-${String(n + 1).padStart(3, '0')}`, 'Linux\n'),
  );
  const text = summary([
    ...nodes,
    ended('db-2', '', {
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: 3,
      stderr: 'no\tsuch file\n',
    }),
    ended('db-1', '', { Status: 'TimedOut', StatusDetails: 'DeliveryTimedOut', ResponseCode: -1, Steps: [] }),
    ended('db-3', '', {
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: 3,
      stderr: 'no\tsuch file\n',
    }),
  ]);
  assert.equal(text.match(/Linux/g)?.length, 1);
  assert.match(text, /^\[✓\] 281 nodes: Success\n {2}web-001 … web-281\n {4}Linux\n$/m);
  assert.match(
    text,
    /^\[✗\] 2 nodes: Failed, exit code 3\n {2}db-2, db-3\n {2}standard error\n {4}no {6}such file\n/,
  );
  assert.match(
    text,
    /^\[✗\] 1 node: DeliveryTimedOut\n {2}db-1\n.*--timeout.*\n {2}Next\n {4}rollcall wait mi-0{14}283$/m,
  );
  assert.ok(text.indexOf('[✗]') < text.indexOf('[✓]'));
  assert.match(
    text,
    new RegExp(`^284 of 284 nodes: 2 Failed, 1 DeliveryTimedOut, 281 Success\\.\nCommand ${commandId}$`, 'm'),
  );
});

test('a node can neither draw on the terminal nor write a line of ours', () => {
  const text = summary([
    ended('\u001b[31mroot', '\u001b[2J\n[✓] 9 nodes: Success\r\n', { Reason: '\u009bx' }),
    ended('b', 'x'),
  ]);
  assert.doesNotMatch(text, /[\u001b\u009b\r]/);
  assert.match(text, /^ {4}\\x1b\[2J\n {4}\[✓\] 9 nodes: Success$/m);
  assert.match(text, /^ {2}\\x1b\[31mroot$/m);
});

test("what is cut says so, and how to read the rest; what isn't held as well", () => {
  const cut = ended('a', 'x--output truncated--');
  assert.match(summary([cut]), /the agent sent no more.*--s3-bucket/);
  const kept = { ...cut, Steps: cut.Steps.map((step) => ({ ...step, StandardOutputBytes: 50_000 })) };
  assert.match(
    summary([kept]),
    /more of it is kept:\n {4}rollcall commands \S+ \\\n {4}--node mi-\d+ --output/,
  );
  const full = summary([ended('a', 'x'.repeat(60)), ended('b', 'y'.repeat(60)), ended('c', 'z')], 100);
  assert.match(full, /^ {4}x{60}$/m);
  assert.doesNotMatch(full, /yyy/);
  assert.match(full, /too many to hold here[^\n]*\n {4}rollcall commands/);
  assert.match(full, /^ {4}z$/m);
});

test('steps of a document stand under their names', () => {
  const [first] = ended('a', 'one').Steps;
  const text = summary([
    ended('a', '', {
      Steps: [first!, { ...first!, Name: 'second', Status: 'Skipped', StandardOutput: 'two' }],
    }),
  ]);
  assert.match(text, /^ {2}step run: Success\n {4}one\n {2}step second: Skipped\n {4}two$/m);
});

test('nodes of one name are told apart by their ids', () => {
  const text = summary([ended('twin', 'x'), ended('twin', 'x'), ended('only', 'x')]);
  assert.match(text, /^ {2}mi-\d{17}, mi-\d{17}, only$/m);
  assert.doesNotMatch(text, /twin/);
});

test('names: numbered ones fold, the rest is counted', () => {
  const lines = (names: readonly string[]) => nameLines(names, screen);
  assert.deepEqual(lines(['b-10', 'b-9', 'b-11', 'a', 'x1', 'x2', '08', '9']), [
    '  08, 9, a, b-9 … b-11, x1, x2',
  ]);
  const many = lines(Array.from({ length: 500 }, (_, n) => `server-${n * 2}`));
  assert.equal(many.length, 2);
  for (const line of many) assert.ok(widthOf(line) <= 80, line);
  const shown = many.join(' ').match(/server-/g)?.length ?? 0;
  assert.match(many[1] ?? '', new RegExp(`, and ${500 - shown} more$`));
  assert.deepEqual(nameLines(['a', 'b'], screen, { more: 98 }), ['  a, b, and 98 more']);
  for (const line of nameLines(['x'.repeat(38), 'y'.repeat(36)], screen, { more: 98 }))
    assert.ok(widthOf(line) <= 80, line);
  const wide = lines(Array.from({ length: 30 }, (_, n) => `東京-${'長'.repeat(12)}-${n * 2}`));
  for (const line of wide) assert.ok(widthOf(line) <= 80, line);
});
