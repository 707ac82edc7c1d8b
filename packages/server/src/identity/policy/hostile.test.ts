/** Policies that are meant to cost time: none does, neither when it is attached nor when it decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account } from '../testing.ts';
import { compilePolicy } from './compiled.ts';
import { readPolicy } from './grammar.ts';
import { asked } from './testing.ts';

const about = (changes: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: '*', Resource: '*', ...changes },
  });
const like = (pattern: string) => about({ Condition: { StringLike: { 'aws:UserAgent': pattern } } });

// What backtracks on these runs for years: the limit of each test is what fails it, not a stop-watch.
const limit = { timeout: 20_000 };

test('patterns made to backtrack are decided in no time', limit, async () => {
  const path = `arn:aws:ssm:us-east-1:${account}:parameter/`;
  const policies = [
    about({ Resource: `${path}${'*a'.repeat(2500)}b` }),
    about({ Resource: `${path}*${'a'.repeat(2500)}b` }),
    about({ Resource: `${path}${'*?'.repeat(2500)}b` }),
    about({ Resource: Array.from({ length: 60 }, () => `${path}${'*a'.repeat(20)}b`) }),
    about({ Action: `ssm:${'*a'.repeat(2500)}` }),
    like(`${'*a'.repeat(2800)}b`),
    like(`*${'a'.repeat(2800)}b`),
    about({ Condition: { StringLike: { 'aws:UserAgent': Array(5).fill(`*${'a'.repeat(1024)}b`) } } }),
    about({ Condition: { StringLike: { 'aws:UserAgent': Array(5).fill(`*${'?a'.repeat(512)}b`) } } }),
    like(`${'*'.repeat(5000)}b`),
    like(`${`\${aws:username}*`.repeat(300)}b`),
  ];
  for (const text of policies) {
    const request = asked('ssm:GetParameter', `${path}${'a'.repeat(2048)}`, {
      source: { address: '10.0.0.7', port: 1, userAgent: 'a'.repeat(2048) },
    });
    assert.ok(readPolicy(text).ok, text.slice(0, 200));
    assert.equal((await compilePolicy(text).decide(request)).allowed, false);
  }
});

test('a header too long to be meant by a policy is not compared: what its policy says of it is no', async () => {
  const source = { address: '10.0.0.7', port: 1, userAgent: 'a'.repeat(2049) };
  const decision = await compilePolicy(like('*')).decide(asked('ssm:GetParameter', '*', { source }));
  assert.deepEqual(decision, {
    allowed: false,
    reason: "because what its policy asks about couldn't be found out",
  });
});

test('documents of 100 KB are read or refused in no time', limit, () => {
  const length = 100_000;
  const documents = [
    `${' '.repeat(length)}${about({})}`,
    about({ Resource: `arn:aws:ssm:*:*:parameter/${' '.repeat(length)}` }),
    like(`\${aws:username${' '.repeat(length)}`),
    like('${ '.repeat(length / 3)),
    like(`\${aws:username,${' '.repeat(length)}'`),
    about({ Sid: 'x'.repeat(length) }),
    about({ Action: Array.from({ length: length / 8 }, () => 'ssm:*') }),
    '['.repeat(length),
    '{"a":'.repeat(length / 5),
    `${'{"Statement":'.repeat(400)}1${'}'.repeat(400)}`,
    `{"Statement":${'['.repeat(2900)}${']'.repeat(2900)}}`,
    about({ Condition: JSON.parse(`${'{"a":'.repeat(800)}1${'}'.repeat(800)}`) }),
    about({ Condition: { StringEquals: JSON.parse(`{"x":${'['.repeat(2800)}${']'.repeat(2800)}}`) } }),
    `"${'\\"'.repeat(length / 2)}`,
    `"${'\\\\'.repeat(length / 2)}`,
    about({ Resource: Array.from({ length: 2500 }, () => '') }),
    about({ Resource: `arn:aws:ssm:*:*:${'*'.repeat(6000)}` }),
  ];
  for (const text of documents) {
    assert.equal(typeof readPolicy(text).ok, 'boolean', text.slice(0, 200));
  }
});
