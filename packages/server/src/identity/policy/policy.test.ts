/** What policies decide: against a naive matcher, and in the cases that hurt when they go wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { Call, Principal } from '../../service/index.ts';
import { account, type Bench, callBy, openBench, run, userPrincipal } from '../testing.ts';
import { administratorPolicy, compilePolicy } from './compiled.ts';
import { readPolicy, type Statement } from './grammar.ts';
import { decideStatement } from './statement-decision.ts';

let bench: Bench;
before(async () => {
  bench = await openBench({
    hooks: {
      findNode: async () => undefined,
      findTags: async (_region, arn) =>
        arn.endsWith('/prod') ? { Stage: 'prod' } : arn.endsWith('/odd') ? { A: '1', a: '2' } : {},
    },
  });
});
after(() => bench.close());

const node = (id: string) => `arn:aws:ssm:us-east-1:${account}:managed-instance/${id}`;

function asked(action: string, resource: string, changes: Partial<Call> = {}) {
  const call = callBy(userPrincipal('ann'), Date.UTC(2026, 10, 23, 12), changes);
  return {
    call,
    userName: 'ann',
    userId: 'AIDAANN',
    principalArn: `arn:aws:iam::${account}:user/ann`,
    action,
    resource,
    tags: async () =>
      resource.endsWith('/prod') ? { Stage: 'prod' } : resource.endsWith('/odd') ? { A: '1', a: '2' } : {},
  };
}
async function allows(
  statements: readonly object[],
  action: string,
  resource: string,
  changes: Partial<Call> = {},
) {
  const policy = await compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
  return (await policy.decide(asked(action, resource, changes))).allowed;
}

/** IAM in its simplest form: a string match a pattern, a deny wins, silence is no. */
function naive(statements: readonly Statement[], action: string, resource: string): boolean {
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
  const applies = (statement: Statement) =>
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
    })) as unknown as Statement[];
    const policy = await compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
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
        if (!(await readPolicy(text)).ok) {
          refused += 1;
          continue;
        }
        for (const resource of [...resources, '*']) {
          const { allowed } = await (await compilePolicy(text)).decide(asked('ssm:X', resource));
          const meant = naive(statements as unknown as Statement[], 'ssm:X', resource);
          assert.equal(allowed, meant, `${Effect} ${kind} ${pattern} ${resource}`);
        }
      }
    }
  }
  assert.equal(refused % 4, 0);
  assert.ok(refused / 4 < patterns.length / 2);
});

test('everything on everything is decided without the simulator, and as the simulator decides it', async () => {
  for (const [action, resource] of [
    ['ssm:SendCommand', '*'],
    ['rollcall:DeleteUser', `arn:aws:iam::${account}:user/bob`],
    ['x:Y', node('mi-1')],
    ['a:b', 'anything'],
  ] as const) {
    const request = {
      principalArn: `arn:aws:iam::${account}:user/ann`,
      account,
      action,
      resource,
      context: {},
    };
    const [statement] = JSON.parse(administratorPolicy).Statement;
    if (resource.startsWith('arn:') || resource === '*')
      assert.equal(await decideStatement(statement, request), 'allows');
    const decision = await (await compilePolicy(administratorPolicy)).decide(asked(action, resource));
    assert.deepEqual(decision, { allowed: true, reason: 'allowed by statement 1 ("Administrator")' });
  }
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context); } });
    const { compilePolicy, administratorPolicy } = await import(${JSON.stringify(new URL('./compiled.ts', import.meta.url).href)});
    const { allowed } = await (await compilePolicy(administratorPolicy)).decide({ action: 'ssm:SendCommand', resource: '*' });
    console.log(allowed, loaded.filter((name) => name.includes('cloud-copilot')).length);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(stdout.trim(), 'true 0', stderr);
});

test('a request for a pattern is not a request for what the pattern covers', async () => {
  const one = [{ Effect: 'Allow', Action: 'ssm:*', Resource: node('mi-1') }];
  assert.equal(await allows(one, 'ssm:SendCommand', node('mi-1')), true);
  for (const resource of [
    node('*'),
    node('mi-?'),
    '*',
    'arn:aws:ssm:*:*:managed-instance/mi-1',
    node('mi-1\n'),
    node('MI-1'),
  ]) {
    assert.equal(await allows(one, 'ssm:SendCommand', resource), false, resource);
  }
  const denied = [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: '*', Resource: node('*') },
  ];
  for (const resource of [node('mi-1'), node('*'), node('a\nb'), node('?')]) {
    assert.equal(await allows(denied, 'ssm:SendCommand', resource), false, resource);
  }
});

test('a deny wins, and the answer names who asked, what for, and the statement', async () => {
  const policy = await compilePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'ssm:*', Resource: '*' },
        { Sid: 'NoDeletes', Effect: 'Deny', Action: 'ssm:Delete*', Resource: '*' },
      ],
    }),
  );
  const denied = await policy.decide(asked('ssm:DeleteActivation', '*'));
  assert.equal(denied.reason, 'with an explicit deny in an identity-based policy: statement 2 ("NoDeletes")');
  assert.equal((await policy.decide(asked('ssm:ListNodes', '*'))).reason, 'allowed by statement 1');
  assert.equal(
    (await policy.decide(asked('rollcall:ListKnocks', '*'))).reason,
    'because no identity-based policy allows the rollcall:ListKnocks action',
  );
});

test('conditions: address, time, region, name, tags; each decision is kept only by what it depends on', async () => {
  const on = (condition: object) => [{ Effect: 'Allow', Action: '*', Resource: '*', Condition: condition }];
  const from = (address: string) => ({ source: { address, port: 1, userAgent: '' } });
  const office = on({ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32'] } });
  assert.equal(await allows(office, 'a:b', '*', from('10.1.2.3')), true);
  assert.equal(await allows(office, 'a:b', '*', from('2001:db8::1')), true);
  assert.equal(await allows(office, 'a:b', '*', from('192.0.2.1')), false);
  const text = JSON.stringify({
    Version: '2012-10-17',
    Statement: on({ DateLessThan: { 'aws:CurrentTime': '2026-11-23T12:00:30Z' } }),
  });
  const until = await compilePolicy(text);
  assert.equal((await until.decide(asked('a:b', '*'))).allowed, true);
  assert.equal((await until.decide(asked('a:b', '*', { at: Date.UTC(2026, 10, 23, 12, 1) }))).allowed, false);
  const same = await compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: office }));
  assert.equal((await same.decide(asked('a:b', '*', from('10.1.2.3')))).allowed, true);
  assert.equal((await same.decide(asked('a:b', '*', from('192.0.2.1')))).allowed, false);
  assert.equal(await allows(on({ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }), 'a:b', '*'), false);
  assert.equal(
    await allows(on({ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }), 'a:b', '*', {
      region: 'eu-west-1',
    }),
    true,
  );
  const own = [{ Effect: 'Allow', Action: '*', Resource: `arn:aws:iam::${account}:user/\${aws:username}` }];
  assert.equal(await allows(own, 'rollcall:CreateAccessKey', `arn:aws:iam::${account}:user/ann`), true);
  assert.equal(await allows(own, 'rollcall:CreateAccessKey', `arn:aws:iam::${account}:user/bob`), false);
  const prod = on({ StringEquals: { 'ssm:resourceTag/Stage': 'prod' } });
  assert.equal(await allows(prod, 'ssm:SendCommand', node('prod')), true);
  assert.equal(await allows(prod, 'ssm:SendCommand', node('test')), false);
  assert.equal(await allows(prod, 'ssm:SendCommand', node('odd')), false, 'tags that differ only by case');
  const notProd = [
    ...on({}).map(({ Condition, ...rest }) => rest),
    {
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/stage': 'prod' } },
    },
  ];
  assert.equal(await allows(notProd, 'ssm:SendCommand', node('prod')), false);
  assert.equal(await allows(notProd, 'ssm:SendCommand', node('test')), true);
});

test('each kind of condition matches and denies as it says', async () => {
  const cases: [object, boolean][] = [
    [{ Bool: { 'aws:SecureTransport': true } }, true],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, false],
    [{ Null: { 'aws:SourceIp': 'true' } }, false],
    [{ Null: { 'aws:SourceIp': false } }, true],
    [{ NumericLessThan: { 'aws:EpochTime': 4_000_000_000 } }, true],
    [{ NumericGreaterThan: { 'aws:EpochTime': '4000000000' } }, false],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-11-23T11:59:59Z' } }, true],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-11-23T12:00:00.500Z' } }, false],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.7' } }, true],
    [{ IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '10.0.0.0/29'] } }, true],
    [{ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, false],
    [{ NotIpAddress: { 'aws:SourceIp': '2001:db8::/32' } }, true],
    [{ StringLike: { 'aws:username': ['b*', 'an?'] } }, true],
    [{ StringNotLike: { 'aws:username': ['b*', 'an?'] } }, false],
    [{ StringEquals: { 'aws:username': 'Ann' } }, false],
    [{ StringEqualsIgnoreCase: { 'aws:username': 'Ann' } }, true],
    [{ StringEquals: { 'aws:PrincipalArn': `arn:aws:iam::${account}:user/\${aws:username}` } }, true],
    [{ ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${account}:user/*` } }, true],
    [{ 'ForAnyValue:StringEquals': { 'aws:username': ['ann', 'bob'] } }, true],
    [{ StringEquals: { 'aws:ResourceTag/Stage': 'prod' } }, false],
    [{ StringEqualsIfExists: { 'aws:ResourceTag/Stage': 'prod' } }, true],
    [{ StringNotEquals: { 'aws:ResourceTag/Stage': 'prod' } }, true],
    [{ StringEquals: { 'aws:username': 'ann', 'aws:RequestedRegion': 'eu-west-1' } }, false],
  ];
  for (const [Condition, matches] of cases) {
    const allow = { Effect: 'Allow', Action: '*', Resource: '*' };
    const shown = JSON.stringify(Condition);
    assert.equal(await allows([{ ...allow, Condition }], 'a:b', node('mi-1')), matches, shown);
    assert.equal(
      await allows([allow, { ...allow, Effect: 'Deny', Condition }], 'a:b', node('mi-1')),
      !matches,
      shown,
    );
  }
});

test("what can't be read or looked up allows nothing", async () => {
  for (const text of [
    '',
    '{',
    'null',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"nonsense"}]}',
  ]) {
    assert.equal((await (await compilePolicy(text)).decide(asked('a:b', '*'))).allowed, false);
  }
  const tagged = await compilePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: '*', Resource: '*', Condition: { Null: { 'aws:ResourceTag/x': 'true' } } },
      ],
    }),
  );
  const failing = { ...asked('a:b', node('mi-1')), tags: () => Promise.reject(new Error('no store')) };
  assert.equal((await tagged.decide(failing)).allowed, false);
});

test('a node may do what its role allows and nothing else, decided in no time', async () => {
  const principal: Principal = {
    kind: 'node',
    arn: `arn:aws:sts::${account}:assumed-role/Core/mi-1`,
    nodeId: 'mi-1',
    region: 'us-east-1',
    by: 'credentials',
  };
  const call = callBy(principal, 0);
  for (const action of [
    'ssm:UpdateInstanceInformation',
    'ssm:PutInventory',
    'ssmmessages:OpenControlChannel',
    'ec2messages:SendReply',
  ]) {
    assert.equal((await bench.identity.decide(call, action, ['*'])).allowed, true);
  }
  const refusal = await bench.identity.decide(call, 'ssm:SendCommand', [node('mi-2')]);
  assert.deepEqual(refusal, {
    allowed: false,
    reason: `User: arn:aws:sts::${account}:assumed-role/Core/mi-1 is not authorized to perform: ssm:SendCommand on resource: ${node('mi-2')} because no identity-based policy allows the ssm:SendCommand action`,
  });
  for (const action of ['rollcall:ListKnocks', 'ssm:*', '*', 'SSM:UpdateInstanceInformation', '__proto__']) {
    assert.equal((await bench.identity.decide(call, action, ['*'])).allowed, false);
  }
  const started = performance.now();
  for (let turn = 0; turn < 100_000; turn++)
    void bench.identity.decide(call, 'ssm:UpdateInstanceInformation', ['*']);
  assert.ok(performance.now() - started < 500);
});

test('all resources of a call must be allowed; nobody unsigned is', async () => {
  await bench.identity.ensureAdministrator();
  const admin = callBy(userPrincipal('admin'), bench.clock.now());
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: node('mi-1') }],
  });
  await run(bench.identity, 'CreateUser', { UserName: 'half', PolicyDocument: policy }, admin);
  const half = callBy(userPrincipal('half'), bench.clock.now());
  assert.equal((await bench.identity.decide(half, 'ssm:SendCommand', [node('mi-1')])).allowed, true);
  assert.equal((await bench.identity.decide(half, 'ssm:SendCommand', [])).allowed, false);
  const both = await bench.identity.decide(half, 'ssm:SendCommand', [node('mi-1'), node('mi-2')]);
  assert.equal(both.allowed, false);
  assert.match(
    both.reason,
    /^User: arn:aws:iam::000000000000:user\/half is not authorized to perform: ssm:SendCommand on resource: .*mi-2 because/,
  );
  const anonymous = callBy({ kind: 'anonymous' }, bench.clock.now());
  assert.equal((await bench.identity.decide(anonymous, 'ssm:SendCommand', ['*'])).allowed, false);
});
