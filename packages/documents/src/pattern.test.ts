/** Patterns mean what they mean to agents, and no pattern takes long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern, patternBudget } from './pattern.ts';

function matches(pattern: string, text: string): boolean | undefined {
  const compiled = compilePattern(pattern, patternBudget());
  assert.ok(compiled.ok, `${pattern}: ${JSON.stringify(compiled)}`);
  return compiled.value.test(text, patternBudget());
}

for (const [pattern, good, bad] of [
  ['^[a-z]+$', ['abc'], ['', 'aBc', 'abc\n', 'ab c']],
  ['b', ['abc', 'b'], ['', 'ac']],
  ['^([1-9][0-9]{0,4}|172800)$', ['1', '99999', '172800'], ['0', '100000']],
  ['(^$)|^i-[0-9a-f]{8,17}$', ['', 'i-0123abcd'], ['x', 'i-0', 'i-0123abcdX']],
  ['^a.c$', ['abc', 'a🙂c'], ['a\nc', 'ac']],
  ['(?s)^a.c$', ['a\nc'], ['ac']],
  ['(?i)^stra(ß|ss)e$', ['STRAsse', 'Straße'], ['strase']],
  ['(?m)^b$', ['a\nb\nc', 'b'], ['ab']],
  ['^(?i:a)b$', ['Ab', 'ab'], ['AB']],
  ['^\\d\\D\\s\\S\\w\\W$', ['1a b_-'], ['aa b_-', '1a b_a']],
  ['\\bcat\\b', ['a cat.', 'cat'], ['concat', 'cats']],
  ['^\\Bat', [], ['at', 'xat']],
  ['^[^\\]\\-a-c]$', ['d', '['], [']', '-', 'b']],
  ['^[]a]+$', [']a]'], ['b']],
  ['^[a-]+$', ['a-a'], ['b']],
  ['^[[:alpha:][:^digit:]]$', ['a', '-'], ['1']],
  ['^\\p{L}\\pN\\P{L}$', ['é1-'], ['1é-', 'é1a']],
  ['^\\p{Greek}+$', ['αβγ'], ['abc']],
  ['^\\x41\\x{1F642}\\n\\.\\/$', ['A🙂\n./'], ['A🙂n./']],
  ['^\\Qa.b*\\E+$', ['a.b*', 'a.b***'], ['aab*']],
  ['^a{2}b{2,}c{0,1}d{x}$', ['aabbd{x}', 'aabbbcd{x}'], ['abbd{x}', 'aabd{x}']],
  ['^(?P<one>a)(?<two>b)(?:c)$', ['abc'], ['ab']],
  ['^a+?b*?c??$', ['a', 'aabbc'], ['b']],
  ['', ['', 'anything'], []],
  ['^(|a|b)$', ['', 'a', 'b'], ['c']],
  ['\\A\\d+\\z', ['12'], ['12a']],
] as const) {
  test(`/${pattern}/`, () => {
    for (const text of good)
      assert.equal(matches(pattern, text), true, `should match ${JSON.stringify(text)}`);
    for (const text of bad)
      assert.equal(matches(pattern, text), false, `should not match ${JSON.stringify(text)}`);
  });
}

for (const [pattern, why] of [
  ['(?=a)', /\(\?=/],
  ['(?!a)', /\(\?!/],
  ['(?<=a)b', /RE2 syntax/],
  ['(a)\\1', /escape/],
  ['a**', /repetition/],
  ['a++', /repetition/],
  ['*a', /repetition/],
  ['a|+', /repetition/],
  ['(a', /missing closing/],
  ['a)', /unexpected \)/],
  ['[a', /missing closing/],
  ['[b-a]', /range/],
  ['[[:nothing:]]', /class/],
  ['\\p{Nothing}', /class/],
  ['\\', /backslash/],
  ['\\u0041', /escape/],
  ['a{1001}', /repeat count/],
  ['a{3,2}', /repeat count/],
  ['((a{100}){100}){100}', /repeat count/],
  ['((){1000}){1000}', /too large/],
  [`a${'b'.repeat(2048)}`, /2048 characters/],
] as const) {
  test(`/${pattern.slice(0, 30)}/ is refused, as agents refuse it`, () => {
    const compiled = compilePattern(pattern, patternBudget());
    assert.ok(!compiled.ok);
    assert.match(compiled.problems[0]!.message, why);
  });
}

test('a pattern means what it means to JavaScript, where both know it', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\b',
    '^',
    '$',
    '1',
    '(?:)',
    'é',
  );
  const pattern = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      atom,
      fc.tuple(tie('node'), tie('node')).map(([one, other]) => one + other),
      fc.tuple(tie('node'), tie('node')).map(([one, other]) => `(?:${one}|${other})`),
      fc
        .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '{0}'))
        .map(([one, times]) => `(?:${one})${times}`),
    ),
  })).node;
  const text = fc
    .array(fc.constantFrom('a', 'b', '1', ' ', 'é', '_'), { maxLength: 7 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(pattern, text, (source, subject) => {
      const theirs = new RegExp(source, 'u').test(subject);
      assert.equal(matches(source, subject), theirs, `/${source}/ on ${JSON.stringify(subject)}`);
    }),
    { numRuns: 3000, seed: 7 },
  );
});

for (const pattern of [
  '^(a+)+$',
  '^(a|a)*$',
  '^(a|aa)+$',
  '(.*)*(.*)*(.*)*x',
  '[a-z]{1,64}Q',
  '(?i)[\\p{L}\\p{N}]*Q',
  '(?i)(\\p{L}{1,300}Q)',
  `^(${'a?'.repeat(500)})${'a'.repeat(500)}$`,
]) {
  test(`/${pattern.slice(0, 30)}/ ends soon on text that it almost matches`, () => {
    const text = `${'a'.repeat(60_000)}!`;
    const before = process.threadCpuUsage();
    assert.notEqual(matches(pattern, text), true);
    const { user, system } = process.threadCpuUsage(before);
    assert.ok(user + system < 100_000, `${(user + system) / 1000} ms`);
  });
}
