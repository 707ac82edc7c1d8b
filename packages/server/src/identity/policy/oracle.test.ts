/** What policies decide, against a second reading of IAM that shares no code with the first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account } from '../testing.ts';
import { compilePolicy } from './compiled.ts';
import { readPolicy } from './grammar.ts';
import { asked, node } from './testing.ts';

type Document = Readonly<Record<string, string | readonly string[] | undefined>>;

/** IAM in its simplest form: a string match a pattern, a deny wins, silence is no. */
function naive(statements: readonly Document[], action: string, resource: string): boolean {
  const like = (pattern: string, text: string, flags = '') =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*/g, '[^]*')
        .replace(/\?/g, '[^]')}$`,
      flags,
    ).test(text);
  const any = (patterns: string | readonly string[] | undefined, text: string, flags = '') =>
    [patterns ?? []].flat().some((pattern) => like(pattern, text, flags));
  const applies = (statement: Document) =>
    (statement.Action ? any(statement.Action, action, 'i') : !any(statement.NotAction, action, 'i')) &&
    (statement.Resource ? any(statement.Resource, resource) : !any(statement.NotResource, resource));
  const matching = statements.filter(applies);
  return matching.length > 0 && matching.every(({ Effect }) => Effect === 'Allow');
}

test('600 made-up policies decide 6,000 requests exactly as a naive matcher does', async () => {
  let seed = 20261123;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const pick = <T>(from: readonly T[]) => from[below(from.length)]!;
  const some = <T>(from: readonly T[]) =>
    below(3) === 0 ? pick(from) : Array.from({ length: 1 + below(3) }, () => pick(from));
  const actions = [
    'ssm:SendCommand',
    'ssm:GetParameter',
    'ssm:GetParameters',
    'ssm:DescribeInstanceInformation',
    'rollcall:ListKnocks',
    'ec2messages:GetMessages',
    'ssmmessages:OpenDataChannel',
  ];
  const actionPatterns = [
    '*',
    'ssm:*',
    'ssm:Get*',
    'ssm:GetParameter',
    'ssm:GetParameter?',
    'ssm:*Parameter*',
    'SSM:sendcommand',
    'rollcall:*',
    'ssm:Describe*Information',
    'ec2messages:x',
    'ssmmessages:Open????Channel',
  ];
  const resources = [
    '*',
    node('mi-0123456789abcdef0'),
    node('mi-0123456789abcdef1'),
    `arn:aws:ssm:us-east-1:${account}:parameter/prod/db`,
    `arn:aws:ssm:eu-west-1:${account}:parameter/prod/db.main`,
    `arn:aws:ssm:us-east-1:${account}:parameter/prod/db(1)`,
    `arn:aws:ssm:us-east-1:999999999999:parameter/test`,
    `arn:aws:ec2:us-east-1:${account}:instance/i-0123456789abcdef0`,
  ];
  const resourcePatterns = [
    '*',
    node('*'),
    node('mi-0123456789abcdef?'),
    node('mi-0123456789abcdef0'),
    `arn:aws:ssm:*:${account}:parameter/prod/*`,
    `arn:aws:ssm:us-east-1:*:parameter/*`,
    `arn:aws:ssm:us-east-1:${account}:parameter/prod/db.main`,
    `arn:aws:ssm:us-east-1:${account}:parameter/prod/db(1)`,
    `arn:aws:ssm:us-*:${account}:parameter/*d*`,
    `arn:aws:ec2:*:*:instance/*`,
    'arn:aws:ssm:*:*:*',
  ];
  let allowed = 0;
  for (let round = 0; round < 600; round++) {
    const statements = Array.from({ length: 1 + below(4) }, () => ({
      Effect: below(3) === 0 ? 'Deny' : 'Allow',
      [below(6) === 0 ? 'NotAction' : 'Action']: some(actionPatterns),
      [below(6) === 0 ? 'NotResource' : 'Resource']: some(resourcePatterns),
    })) as unknown as Document[];
    const policy = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
    for (let turn = 0; turn < 10; turn++) {
      const action = pick(actions);
      const resource = pick(resources);
      const decision = await policy.decide(asked(action, resource));
      assert.equal(
        decision.allowed,
        naive(statements, action, resource),
        `${JSON.stringify(statements)} ${action} ${resource} ${decision.reason}`,
      );
      if (decision.allowed) allowed += 1;
    }
  }
  assert.ok(allowed > 500 && allowed < 5500);
});

test('an odd pattern is refused when it is attached, or means what it says', async () => {
  const arn = `arn:aws:ssm:us-east-1:${account}:`;
  const patterns = [
    ...[
      '*/mi-1',
      'managed-*',
      'managed-*/mi-1',
      'managed-instance*',
      '?anaged-instance/mi-1',
      '',
      '**',
      '*mi-1',
    ].map((end) => arn + end),
    ...[
      'automation-definition/a:*',
      'document/*:1',
      'managed-instance/?*',
      'parameter/a.b',
      'parameter/(a',
    ].map((end) => arn + end),
    ...[
      'arn:aws:ssm:*',
      'arn:aws:ssm:us-east-1:*',
      'arn:*',
      'arn:aws:ssm:*:mi-1',
      'arn:aws:ssm*managed-instance/mi-1',
    ],
    ...[
      'arn:*:*:*:*:*',
      'arn',
      'arn:',
      'arn:aws:s(m:*',
      'arn:aws:ssm:us-east-1',
      '**',
      'mi-*',
      'arn:aws:ssm:us-*-1:*:document/*',
    ],
    ...[
      `arn:aws:ssm::${account}:managed-instance/mi-1`,
      `arn:aws:ssm:US-EAST-1:${account}:managed-instance/mi-1`,
    ],
    ...[`arn:aws:ssm:us.east-1:${account}:managed-instance/mi-1`, `arn:aws:ssm:*:*:managed-instance/\${*}`],
  ];
  const resources = [
    'managed-instance/mi-1',
    'managed-instance/a:b',
    'automation-definition/a:1',
    'document/x:1',
    'parameter/aXb',
    'parameter/a.b',
    'parameter/(a',
  ].map((end) => arn + end);
  let refused = 0;
  for (const pattern of patterns) {
    for (const Effect of ['Allow', 'Deny'] as const) {
      for (const kind of ['Resource', 'NotResource'] as const) {
        const statements = [
          { Effect: 'Allow', Action: '*', Resource: '*' },
          { Effect: 'Deny', Action: '*', [kind]: pattern },
        ];
        if (Effect === 'Allow') statements.splice(0, 2, { Effect, Action: '*', [kind]: pattern });
        const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
        if (!readPolicy(text).ok) {
          refused += 1;
          continue;
        }
        for (const resource of [...resources, '*']) {
          const { allowed } = await compilePolicy(text).decide(asked('ssm:X', resource));
          const meant = naive(statements as unknown as Document[], 'ssm:X', resource);
          assert.equal(allowed, meant, `${Effect} ${kind} ${pattern} ${resource}`);
        }
      }
    }
  }
  assert.equal(refused % 4, 0);
  assert.ok(refused / 4 < patterns.length / 2);
});
