/** What policies decide: in the cases that hurt when they go wrong. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Principal } from '../../service/index.ts';
import { account, type Bench, callBy, openBench, run, userPrincipal } from '../testing.ts';
import { administratorPolicy, compilePolicy } from './compiled.ts';
import { allows, asked, node } from './testing.ts';

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

test('the policy of the first administrator allows everything', async () => {
  for (const [action, resource] of [
    ['ssm:SendCommand', '*'],
    ['rollcall:DeleteUser', `arn:aws:iam::${account}:user/bob`],
    ['x:Y', node('mi-1')],
    ['a:b', 'anything'],
  ] as const) {
    const decision = await compilePolicy(administratorPolicy).decide(asked(action, resource));
    assert.deepEqual(decision, { allowed: true, reason: 'allowed by statement 1 ("Administrator")' });
  }
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
  const policy = compilePolicy(
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
  const until = compilePolicy(text);
  assert.equal((await until.decide(asked('a:b', '*'))).allowed, true);
  assert.equal((await until.decide(asked('a:b', '*', { at: Date.UTC(2026, 10, 23, 12, 1) }))).allowed, false);
  const same = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: office }));
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
  const star = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: own }));
  const wild = { ...asked('rollcall:CreateAccessKey', `arn:aws:iam::${account}:user/bob`), userName: '*' };
  assert.equal((await star.decide(wild)).allowed, false, 'a name is no pattern');
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

test('a wildcard stays within its part of an ARN; only the last part takes colons', async () => {
  const one = [{ Effect: 'Allow', Action: '*', Resource: 'arn:aws:ssm:us-*-1:*:document/x*' }];
  assert.equal(await allows(one, 'a:b', `arn:aws:ssm:us-east-1:${account}:document/x:1`), true);
  const other = `arn:aws:ssm:us-west-2:${account}:document/a-1:${account}:document/x`;
  assert.equal(await allows(one, 'a:b', other), false, 'a document of that name lies in another region');
  assert.equal(await allows(one, 'a:b', `arn:aws:ssm:US-EAST-1:${account}:document/x`), false);
  const short = [{ Effect: 'Allow', Action: '*', Resource: 'arn:aws:ssm:us-*' }];
  assert.equal(await allows(short, 'a:b', `arn:aws:ssm:us-east-1:${account}:document/x:1`), true);
});

test("what can't be told denies where it says Deny, and never allows", async () => {
  const allow = { Effect: 'Allow', Action: '*', Resource: '*' };
  const owner = { StringEquals: { 'aws:username': `\${aws:ResourceTag/Owner}` } };
  const deny = { Sid: 'Owned', Effect: 'Deny', Action: 'ssm:*', Resource: '*', Condition: owner };
  assert.equal(await allows([{ ...allow, Condition: owner }], 'a:b', node('mi-1')), false);
  const policy = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: [allow, deny] }));
  const decision = await policy.decide(asked('ssm:SendCommand', node('mi-1')));
  assert.equal(decision.reason, 'because statement 2 ("Owned") of its policy can\'t be evaluated');
  assert.equal((await policy.decide(asked('a:b', node('mi-1')))).allowed, true, 'it is about other actions');
  const nowhere = { source: { address: 'unknown', port: 1, userAgent: '' } };
  const from = { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } };
  assert.equal(await allows([{ ...allow, Condition: from }], 'a:b', '*', nowhere), false);
  assert.equal(await allows([allow, { ...deny, Action: '*', Condition: from }], 'a:b', '*', nowhere), false);
});

test("what can't be read or looked up allows nothing", async () => {
  for (const text of [
    '',
    '{',
    'null',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"nonsense"}]}',
  ]) {
    assert.equal((await compilePolicy(text).decide(asked('a:b', '*'))).allowed, false);
  }
  const tagged = compilePolicy(
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
