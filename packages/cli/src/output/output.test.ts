/** What a reader sees: harmless text, straight columns, at most 80 of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLines } from './command.ts';
import { plain, plainJson, plainOutput } from './plain.ts';
import { isUtf8, screenOf } from './screen.ts';
import { table, wrap } from './table.ts';
import { parseSpan, span } from './time.ts';
import { cutTo, padTo, widthOf } from './width.ts';

const piped = { isTTY: false, write: () => undefined };
const terminal = { isTTY: true, write: () => undefined };
const utf8 = screenOf({ env: { LANG: 'en_US.UTF-8' }, stdout: piped });
const ascii = screenOf({ env: { LANG: 'C' }, stdout: piped });

test('text from outside can neither move the cursor nor hide nor turn around', () => {
  assert.equal(plain('\u001b[2Jgone\r\n'), '\\x1b[2Jgone\\r\\n');
  assert.equal(plain('a\u202etxt.exe'), 'a\\u{202e}txt.exe');
  assert.equal(plain('zero\u200bwidth\ufeff\u00ad'), 'zero\\u{200b}width\\u{feff}\\xad');
  assert.equal(plain('\u009b31m'), '\\x9b31m');
  assert.equal(plain('tag\u{e0041}'), 'tag\\u{e0041}');
  assert.equal(plain('\ud800'), '\\u{d800}');
  assert.equal(plain('\u2028\u2066'), '\\u{2028}\\u{2066}');
  assert.equal(plain('東京 web-03 ü'), '東京 web-03 ü');
  assert.match(plain(`a${'\u0301'.repeat(20)}`), /\\u\{301\}/);
});

test('a value of any length stays one short line', () => {
  assert.equal([...plain('x'.repeat(1_000_000), { limit: 20 })].length, 20);
  assert.equal([...plain('\u0000'.repeat(50), { limit: 20 })].length, 20);
  assert.equal(plain('ü東', { ascii: true }), '\\xfc\\u{6771}');
});

test('what a program wrote keeps its lines and tabs, and loses what it could do to a terminal', () => {
  assert.equal(plainOutput('a\tb\r\n\u001b]0;t\u0007\n\rc\n'), 'a\tb\n\\x1b]0;t\\x07\n\\rc\n');
  assert.equal(plainOutput('x'.repeat(100_000)).length, 100_000);
  assert.equal(plainOutput('東\n', { ascii: true }), '\\u{6771}\n');
  assert.equal(plainOutput(''), '');
});

test('JSON is the same value, and shows what it holds', () => {
  const value = { a: 'x\u202ey\u001b\u009b\u{e0041}', b: ['\n', '東'] };
  const text = plainJson(value);
  assert.deepEqual(JSON.parse(text), value);
  assert.deepEqual(JSON.parse(plainJson(value, 0)), value);
  assert.doesNotMatch(plainJson(value, 0), /\n/);
  assert.doesNotMatch(text, /[\u202e\u009b\u{e0041}]/u);
});

test('width counts columns, not characters', () => {
  assert.equal(widthOf('web'), 3);
  assert.equal(widthOf('東京'), 4);
  assert.equal(widthOf('ｱ'), 1);
  assert.equal(widthOf('e\u0301'), 1);
  assert.equal(widthOf('🚀'), 2);
  assert.equal(padTo('東', 4), '東  ');
  assert.equal(cutTo('東京大阪', 6), '東京…');
  assert.equal(cutTo('short', 6), 'short');
});

test('a table is never wider than 80 columns, and ids stay whole', () => {
  const id = 'mi-0123456789abcdef0';
  const columns = [{ title: 'NODE' }, { title: 'NAME', atLeast: 8 }, { title: 'PLATFORM', atLeast: 6 }];
  const lines = table(
    columns,
    [
      [id, '長'.repeat(60), 'x'.repeat(90)],
      [id, 'a', 'Z'],
    ],
    utf8,
  );
  for (const line of lines) assert.ok(widthOf(line) <= 80, line);
  assert.ok(lines[1]?.startsWith(`${id}  長`));
  assert.match(lines[1] ?? '', /…/);
  // The columns stand under each other although one cell is in wide characters.
  assert.equal(widthOf((lines[1] ?? '').split('x')[0] ?? ''), (lines[2] ?? '').indexOf('Z'));
  assert.match(table(columns, [[id, 'n'.repeat(90), '']], ascii)[1] ?? '', /n\.\.\.$/);
});

test('a command to type breaks behind a backslash, between its options', () => {
  assert.deepEqual(commandLines('rollcall commands x --wait'), ['    rollcall commands x --wait']);
  const long = `rollcall commands ${'c'.repeat(36)} --node ${'n'.repeat(20)} --output`;
  assert.deepEqual(commandLines(long), [
    `    rollcall commands ${'c'.repeat(36)} \\`,
    `    --node ${'n'.repeat(20)} --output`,
  ]);
});

test('sentences break at spaces', () => {
  const lines = wrap('word '.repeat(40).trim(), '    ');
  assert.ok(lines.length > 1);
  for (const line of lines) assert.ok(line.startsWith('    word') && line.length <= 80);
});

test('marks follow the locale, colour the terminal', () => {
  assert.equal(utf8.mark('yes'), '[✓]');
  assert.equal(ascii.mark('yes'), '[ok]');
  assert.equal(ascii.mark('no'), '[X]');
  const colours = (env: Record<string, string>, stdout = terminal) => screenOf({ env, stdout }).mark('no');
  assert.match(colours({ LANG: 'C' }), /\u001b\[31m/);
  assert.equal(colours({ LANG: 'C', NO_COLOR: '1' }), '[X]');
  assert.equal(colours({ LANG: 'C' }, piped), '[X]');
  assert.ok(isUtf8({ LANG: 'C', LC_CTYPE: 'ja_JP.utf8' }));
  assert.ok(!isUtf8({ LC_ALL: 'C', LANG: 'en_US.UTF-8' }));
});

test('spans are said and read in the unit that matters', () => {
  assert.deepEqual([4e3, 125e3, 3 * 3600e3, 41 * 86400e3].map(span), ['4 s', '2 min', '3 h', '41 days']);
  assert.deepEqual(['90s', '15m', '24h', '30d'].map(parseSpan), [90e3, 900e3, 86400e3, 2592e6]);
  assert.deepEqual(['', '1', '-1s', '1y', '1.5h'].map(parseSpan), Array(5).fill(undefined));
});
