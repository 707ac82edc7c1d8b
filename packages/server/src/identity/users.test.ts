/** Users, keys and the administrator who can't lock himself out. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CreateUserOutput, ListUsersOutput, NewAccessKey } from '@rollcall/wire';
import type { Call } from '../service/index.ts';
import { type Bench, callBy, openBench, run, userPrincipal } from './testing.ts';

let bench: Bench;
let first: NewAccessKey;
let call: Call;
before(async () => {
  bench = await openBench();
  first = (await bench.identity.ensureAdministrator())!;
  call = callBy(userPrincipal('admin'), bench.clock.now(), { operation: 'rollcall:Test' });
});
after(() => bench.close());

const everything = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';
const nothingMuch =
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ssm:List*","Resource":"*"}}';
const does = <O = object>(name: string, input: object = {}) => run<O>(bench.identity, name, input, call);
const users = async () => (await does<ListUsersOutput>('ListUsers')).Users;
const may = async (name: string, action: string, resource = '*') =>
  (await bench.identity.decide(callBy(userPrincipal(name), bench.clock.now()), action, [resource])).allowed;

test('the first start makes one administrator, and only the first', async () => {
  assert.match(first.AccessKeyId, /^AKIA[A-Z2-7]{16}$/);
  assert.equal(await bench.identity.ensureAdministrator(undefined, first), undefined);
  assert.equal(await bench.another().ensureAdministrator(undefined, first), undefined);
  assert.deepEqual(
    (await users()).map((user) => user.UserName),
    ['admin'],
  );
  assert.equal(await may('admin', 'rollcall:CreateUser'), true);
});

test("who lost the key on this machine is given an administrator's, by the same secrets key", async () => {
  const wrong = { ...first, SecretAccessKey: 'of another secrets key' };
  for (const held of [undefined, wrong, { ...first, AccessKeyId: 'AKIAGONEGONEGONEGONE' }])
    assert.deepEqual(await bench.identity.ensureAdministrator(undefined, held), first);
  assert.equal((await users())[0]?.AccessKeys.length, 1);
});

test('no secret is stored in the clear', async () => {
  const rows = await bench.store.read((tx) => tx.everywhere.selectFrom('access_keys').selectAll().execute());
  assert.ok(!JSON.stringify(rows).includes(first.SecretAccessKey));
  assert.ok(!Buffer.from(rows[0]!.secret, 'base64').includes(first.SecretAccessKey));
});

test("the last administrator can't be removed, disabled or cut down, in any way", async () => {
  const attempts: [string, object][] = [
    ['DeleteUser', { UserName: 'admin' }],
    ['DeleteAccessKey', { AccessKeyId: first.AccessKeyId }],
    ['UpdateAccessKey', { AccessKeyId: first.AccessKeyId, Status: 'Inactive' }],
    ['PutUserPolicy', { UserName: 'admin', PolicyDocument: nothingMuch }],
  ];
  for (const [name, input] of attempts) {
    await assert.rejects(does(name, input), {
      code: 'ConflictException',
      message: /First give another user a policy/,
    });
  }
  assert.equal(await may('admin', 'ssm:DeleteActivation'), true);
  // A second administrator whose only key is disabled doesn't count; with an active key he does.
  const second = await does<CreateUserOutput>('CreateUser', {
    UserName: 'second',
    PolicyDocument: everything,
  });
  await does('UpdateAccessKey', { AccessKeyId: second.AccessKey.AccessKeyId, Status: 'Inactive' });
  await assert.rejects(does(...attempts[0]!), { code: 'ConflictException' });
  await does('UpdateAccessKey', { AccessKeyId: second.AccessKey.AccessKeyId, Status: 'Active' });
  await does('UpdateAccessKey', { AccessKeyId: first.AccessKeyId, Status: 'Inactive' });
  await assert.rejects(does('DeleteUser', { UserName: 'second' }), { code: 'ConflictException' });
  await does('UpdateAccessKey', { AccessKeyId: first.AccessKeyId, Status: 'Active' });
  // Two at once who each remove the other: one of them stays.
  const both = await Promise.allSettled([
    does('DeleteUser', { UserName: 'second' }),
    does('UpdateAccessKey', { AccessKeyId: first.AccessKeyId, Status: 'Inactive' }),
  ]);
  assert.deepEqual(both.map((one) => one.status).sort(), ['fulfilled', 'rejected']);
});

test('a user starts with a key and no rights; a policy counts from the next call on', async () => {
  const made = await does<CreateUserOutput>('CreateUser', { UserName: 'carol' });
  assert.equal(made.User.Arn, 'arn:aws:iam::000000000000:user/carol');
  assert.match(made.User.UserId, /^AIDA[A-Z2-7]{17}$/);
  assert.equal(await may('carol', 'ssm:ListAssociations'), false);
  await does('PutUserPolicy', { UserName: 'carol', PolicyDocument: nothingMuch });
  assert.equal(await may('carol', 'ssm:ListAssociations'), true);
  await does('PutUserPolicy', { UserName: 'carol', PolicyDocument: nothingMuch.replace('Allow', 'Deny') });
  assert.equal(await may('carol', 'ssm:ListAssociations'), false);
  await does('DeleteUser', { UserName: 'carol' });
  const decision = await bench.identity.decide(
    callBy(userPrincipal('carol'), bench.clock.now()),
    'ssm:ListAssociations',
    ['*'],
  );
  assert.match(decision.reason, /because the user was deleted$/);
});

test("names are taken once, keys are two at most, and what isn't there is said so", async () => {
  await does('CreateUser', { UserName: 'dave' });
  await assert.rejects(does('CreateUser', { UserName: 'dave' }), { code: 'EntityAlreadyExistsException' });
  await does('CreateAccessKey', { UserName: 'dave' });
  await assert.rejects(does('CreateAccessKey', { UserName: 'dave' }), { code: 'LimitExceededException' });
  for (const [name, input] of [
    ['DeleteUser', { UserName: 'nobody' }],
    ['PutUserPolicy', { UserName: 'nobody', PolicyDocument: everything }],
    ['CreateAccessKey', { UserName: 'nobody' }],
    ['UpdateAccessKey', { AccessKeyId: 'AKIANOBODY', Status: 'Active' }],
    ['DeleteAccessKey', { AccessKeyId: 'AKIANOBODY' }],
  ] as const) {
    await assert.rejects(does(name, input), { code: 'NoSuchEntityException' });
  }
});

test('every change is audited, and no secret is', async () => {
  const made = await does<CreateUserOutput>('CreateUser', { UserName: 'erin' });
  await does('DeleteAccessKey', { AccessKeyId: made.AccessKey.AccessKeyId });
  const rows = await bench.store.read((tx) =>
    tx.everywhere.selectFrom('audit').selectAll().where('resource', '=', made.User.Arn).execute(),
  );
  assert.equal(rows.length, 2);
  assert.ok(rows.every((row) => row.principal === 'arn:aws:iam::000000000000:user/admin'));
  assert.ok(!JSON.stringify(rows).includes(made.AccessKey.SecretAccessKey));
});

test("a policy that can't be used is refused with what is wrong and where", async () => {
  const statement = (text: string) => `{"Version":"2012-10-17","Statement":[{${text}}]}`;
  const ok = '"Effect":"Allow","Action":"ssm:*","Resource":"*"';
  const cases: [string, RegExp][] = [
    ['', /isn't JSON/],
    ['null', /must be a JSON object/],
    ['[]', /must be a JSON object/],
    ['"x"', /must be a JSON object/],
    ['{"Version":"2012-10-17"}', /Statement/],
    ['{"Version":"2012-10-17","Statement":[null]}', /Statement must be/],
    ['{"Version":"2020-01-01","Statement":[]}', /Version/],
    [
      statement('"Effect":"Perhaps","Action":"ssm:*","Resource":"*"'),
      /Statement\[0\]\.Effect.*"Allow" or "Deny"/,
    ],
    [statement('"Effect":"Allow","Resource":"*"'), /Action/],
    [statement('"Effect":"Allow","Action":"ssm:*"'), /Resource/],
    [statement('"Effect":"Allow","Action":[],"Resource":"*"'), /Action: it is empty/],
    [
      statement('"Effect":"Allow","Action":"everything","Resource":"*"'),
      /Statement\[0\]\.Action: "everything" must be "\*" or "service:Operation"/,
    ],
    [statement('"Effect":"Allow","Action":"ssm:*","Resource":"mi-1"'), /neither an ARN/],
    [statement('"Effect":"Allow","Action":"ssm:*","Resource":"*","Principal":"*"'), /Principal/],
    [statement(`${ok},"Condition":{"StringMatches":{"aws:username":"x"}}`), /no operator StringMatches/],
    [statement(`${ok},"Condition":{"StringEquals":{"aws:SourceVpc":"x"}}`), /condition key aws:sourcevpc/],
    [statement(`${ok},"Condition":{"StringEquals":{}}`), /it is empty/],
    [statement(`${ok},"Condition":{"StringEquals":{"aws:username":[]}}`), /it is empty/],
    [
      statement(`${ok},"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}}`),
      /can't compare "10\.0\.0\.0\/99"/,
    ],
    [
      statement(`${ok},"Condition":{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`),
      /can't compare "tomorrow"/,
    ],
    [statement(`${ok},"Condition":{"Bool":{"aws:SecureTransport":"yes"}}`), /can't compare "yes"/],
    [statement(`${ok},"Condition":{"StringEquals":{"aws:ResourceTag/":"x"}}`), /condition key/],
    [
      statement(
        ok.replace('"Resource":"*"', `"Resource":"arn:aws:ssm:*:*:parameter/\${aws:PrincipalTag/x}"`),
      ),
      /aws:principaltag\/x/,
    ],
    [
      statement(
        ok.replace('"Resource":"*"', `"Resource":"arn:aws:ssm:*:*:parameter/\${aws:username}"`),
      ).replace('2012', '2008'),
      /need "Version": "2012-10-17"/,
    ],
    [statement(`${ok},"Owner":"me"`), /Statement\[0\]\.Owner isn't known/],
    [
      statement(`${ok},"NotAction":"ssm:Get*"`),
      /Statement\[0\] must have either Action or NotAction, not both/,
    ],
    [statement(`${ok},"Effect":"Deny"`), /a member twice/],
    [statement(`${ok}},{${ok},"Sid":"a-b"`), /Statement\[1\]\.Sid/],
    [statement(`"Sid":"a",${ok}},{"Sid":"a",${ok}`), /same Sid/],
    [statement(ok.replace('"*"', '[null]')), /Statement\[0\]\.Resource: null must be text/],
    [statement(ok.replace('"ssm:*"', '"s*:Get"')), /Action: "s\*:Get" must be/],
    [statement(`${ok},"Condition":["x"]`), /Statement\[0\]\.Condition must be an object/],
    [statement(`${ok},"Condition":{"Null":"x"}`), /Condition\.Null must be an object/],
    [statement(`${ok},"Condition":{"NullIfExists":{"aws:username":"true"}}`), /no operator NullIfExists/],
    [statement(`${ok},"Condition":{"StringEquals":{"aws:username":{}}}`), /must be text/],
    [
      statement(`${ok},"Condition":{"NumericEquals":{"aws:username":1}}`),
      /can't compare what aws:username holds/,
    ],
    [
      statement(`${ok},"Condition":{"DateEquals":{"aws:CurrentTime":"2026-02-30"}}`),
      /can't compare "2026-02-30"/,
    ],
    [statement(`${ok},"Condition":{"BinaryEquals":{"aws:username":"?"}}`), /can't compare "\?"/],
    [statement(`${ok},"Condition":{"ArnLike":{"aws:PrincipalArn":"ann"}}`), /can't compare "ann"/],
    [statement(`${ok},"Condition":{"StringLike":{"aws:username":"\${aws:userid"}}`), /can't compare/],
    [
      statement(`${ok},"Condition":{"StringLike":{"aws:username":"\${aws:FederatedProvider}"}}`),
      /condition key aws:federatedprovider/,
    ],
    [
      '{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"*","Resource":"*"}}',
      /: Statement\.Effect must be/,
    ],
    ['{"Version":"2012-10-17","Statement":[],"Name":"x"}', /Name isn't known/],
    [statement(`${ok},"Sid":"${'x'.repeat(7000)}"`), /longer than 6144/],
  ];
  for (const [text, problem] of cases) {
    await assert.rejects(
      does('PutUserPolicy', { UserName: 'dave', PolicyDocument: text }),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'MalformedPolicyDocumentException', text);
        assert.match(error.message, problem, text);
        return true;
      },
    );
  }
});
