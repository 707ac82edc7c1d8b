/** Activations: made, listed, used up, guessed at, expired. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newPublicKey, refusalOf } from '../nodes/testing.ts';
import { hashCode, isCode, newCode } from './codes.ts';
import { checkLimitUnderLoad, checkRetriesAtOnce, checkRetryLater } from './register.case.ts';
import { openActivationsWorld } from './testing.ts';

const day = 86_400_000;
const keys = Array.from({ length: 9 }, newPublicKey);

test('exactly as many machines get in as the activation allows', async (context) => {
  await checkLimitUnderLoad(await openActivationsWorld(context));
});

test('one machine that asks many times at once is one node', async (context) => {
  await checkRetriesAtOnce(await openActivationsWorld(context));
});

test('a lost answer costs nothing', async (context) => {
  await checkRetryLater(await openActivationsWorld(context));
});

test('a deregistered machine needs a registration of its own', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.activate({ RegistrationLimit: 2 });
  const nodeId = await world.register(activation);
  await world.call('DeregisterManagedInstance', { InstanceId: nodeId });
  assert.notEqual(await world.register(activation), nodeId);
});

test('the key of another machine is refused', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.activate({ RegistrationLimit: 2 });
  await world.register(activation);
  const refusal = await refusalOf(world.register(activation, { Fingerprint: 'another' }));
  assert.equal(refusal.code, 'PublicKeyAlreadyRegistered');
});

test('without the right code, everything sounds the same', async (context) => {
  const world = await openActivationsWorld(context);
  const good = await world.activate();
  const expired = await world.activate();
  const full = await world.activate();
  await world.register(full);
  const deleted = await world.activate();
  await world.call('DeleteActivation', { ActivationId: deleted.ActivationId });
  world.clock.jump(day);
  const code = 'XXXXXXXXXXXXXXXXXXXXXXXX';
  const unknown = { ActivationId: '99999999-2222-3333-4444-555555555555', ActivationCode: code };
  const heard = new Set<string>();
  for (const wrong of [good, expired, full, deleted, unknown]) {
    const refusal = await refusalOf(world.register({ ...wrong, ActivationCode: code }));
    heard.add(`${refusal.status} ${refusal.code}: ${refusal.message}`);
    assert.equal(refusal.knock?.reason, 'activation-invalid');
    assert.equal(refusal.knock?.claim, wrong.ActivationId);
  }
  assert.equal(heard.size, 1);
  const forgotten = await refusalOf(world.register(deleted));
  assert.equal(forgotten.code, 'InvalidActivation');
});

test('with the right code, the truth', async (context) => {
  const world = await openActivationsWorld(context);
  const full = await world.activate({ RegistrationLimit: 1 });
  await world.register(full);
  const limit = await refusalOf(world.register(full, { PublicKey: keys[0]! }));
  assert.equal(limit.code, 'RegistrationLimitExceeded');
  assert.deepEqual(limit.knock, { reason: 'activation-limit-reached', claim: full.ActivationId });
  const old = await world.activate();
  world.clock.jump(day - 1);
  await world.register(old, { PublicKey: keys[1]! });
  world.clock.jump(1);
  const expired = await refusalOf(world.register(old, { PublicKey: keys[0]! }));
  assert.equal(expired.code, 'ActivationExpired');
  assert.deepEqual(expired.knock, { reason: 'activation-expired', claim: old.ActivationId });
});

test('a key that is no key uses nothing up', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.activate();
  for (const PublicKey of ['', 'nonsense', 'A'.repeat(392)]) {
    assert.equal((await refusalOf(world.register(activation, { PublicKey }))).code, 'InvalidPublicKey');
  }
  await world.register(activation);
});

test('who guesses is slowed down, who knows the code is not', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.activate({ RegistrationLimit: 9 });
  const guess = () => refusalOf(world.register({ ...activation, ActivationCode: newCode() }));
  const codes = [];
  for (let index = 0; index < 25; index++) codes.push((await guess()).code);
  assert.equal(codes.filter((code) => code === 'InvalidActivation').length, 20);
  assert.equal(codes.at(-1), 'ThrottlingException');
  await Promise.all(
    keys.map((PublicKey, index) => world.register(activation, { PublicKey, Fingerprint: `${index}` })),
  );
  const other = await world.activate();
  assert.equal(
    (await refusalOf(world.register({ ...other, ActivationCode: newCode() }))).code,
    'InvalidActivation',
  );
  world.clock.jump(3000);
  assert.deepEqual(
    [(await guess()).code, (await guess()).code],
    ['InvalidActivation', 'ThrottlingException'],
  );
});

test('codes are kept as salted hashes', () => {
  const code = newCode();
  assert.match(code, /^[A-Z2-9]{24}$/);
  assert.notEqual(hashCode(code), hashCode(code));
  assert(!hashCode(code).includes(code));
  assert(isCode(code, hashCode(code)));
  assert(!isCode(newCode(), hashCode(code)));
  assert(!isCode(`${code} `, hashCode(code)));
});

test('what is listed of an activation', async (context) => {
  const world = await openActivationsWorld(context);
  const now = world.clock.now();
  const { ActivationId } = await world.activate({
    Description: 'web servers',
    DefaultInstanceName: 'web',
    RegistrationLimit: 3,
    Tags: [{ Key: 'stage', Value: 'test' }],
  });
  const { ActivationList } = await world.call('DescribeActivations');
  assert.deepEqual(ActivationList, [
    {
      ActivationId,
      Description: 'web servers',
      DefaultInstanceName: 'web',
      IamRole: 'service-role',
      RegistrationLimit: 3,
      RegistrationsCount: 0,
      ExpirationDate: new Date(now + day),
      Expired: false,
      CreatedDate: new Date(now),
      Tags: [{ Key: 'stage', Value: 'test' }],
    },
  ]);
  world.clock.jump(1);
  await world.activate({ IamRole: 'other' });
  const only = async (FilterKey: string, value: string) =>
    (await world.call('DescribeActivations', { Filters: [{ FilterKey, FilterValues: [value] }] }))
      .ActivationList.length;
  assert.deepEqual(
    [
      await only('IamRole', 'other'),
      await only('DefaultInstanceName', 'web'),
      await only('ActivationIds', 'x'),
    ],
    [1, 1, 0],
  );
  const first = await world.call('DescribeActivations', { MaxResults: 1 });
  const second = await world.call('DescribeActivations', { MaxResults: 1, NextToken: first.NextToken });
  assert.equal(first.ActivationList[0].ActivationId, ActivationId);
  assert.equal(second.ActivationList[0].IamRole, 'other');
  assert.equal(second.NextToken, undefined);
});

test('what an activation cannot be', async (context) => {
  const world = await openActivationsWorld(context);
  const now = world.clock.now();
  const code = async (input: object) => (await refusalOf(world.activate(input))).code;
  assert.equal(await code({ ExpirationDate: new Date(now) }), 'InvalidParameters');
  assert.equal(await code({ ExpirationDate: new Date(now + 30 * day + 1) }), 'InvalidParameters');
  assert.equal(await code({ Tags: [{ Key: 'aws:x', Value: '' }] }), 'ValidationException');
  await world.activate({ ExpirationDate: new Date(now + 30 * day) });
  const missing = { ActivationId: '99999999-2222-3333-4444-555555555555' };
  assert.equal((await refusalOf(world.call('DeleteActivation', missing))).code, 'InvalidActivation');
});

test('an activation that has run out is renewed, code and all', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.activate({ RegistrationLimit: 1 });
  await world.register(activation);
  world.clock.jump(day);
  const { ActivationId } = activation;
  const code = async (input: object) => (await refusalOf(world.call('RenewActivation', input))).code;
  const now = world.clock.now();
  assert.equal(await code({ ActivationId, ExpirationDate: new Date(now) }), 'InvalidParameters');
  assert.equal(await code({ ActivationId, ExpirationDate: new Date(now + 31 * day) }), 'InvalidParameters');
  assert.equal(await code({ ActivationId: '99999999-2222-3333-4444-555555555555' }), 'InvalidActivation');
  await world.call('RenewActivation', { ActivationId });
  const full = await refusalOf(world.register(activation, { PublicKey: keys[0]! }));
  assert.equal(full.code, 'RegistrationLimitExceeded', 'the limit is as it was');
  assert.deepEqual(await world.call('RenewActivation', { ActivationId, RegistrationLimit: 2 }), {
    ActivationId,
    ExpirationDate: new Date(now + day),
    RegistrationLimit: 2,
    RegistrationsCount: 1,
  });
  await world.register(activation, { PublicKey: keys[0]! });
  assert.equal(await code({ ActivationId, RegistrationLimit: 1 }), 'InvalidParameters');
  const rows = await world.store.read((tx) =>
    tx.everywhere
      .selectFrom('audit')
      .selectAll()
      .where('operation', '=', 'rollcall:RenewActivation')
      .execute(),
  );
  assert.equal(rows.length, 2);
  assert.match(rows[1]?.detail ?? '', /"limit":2/);
});

test('how far an enrolment has come', async (context) => {
  const refusals = async () => [{ reason: 'activation-expired', count: 9, lastAt: 5000 }];
  const world = await openActivationsWorld(context, { refusals });
  const activation = await world.activate({ RegistrationLimit: 3 });
  await world.register(activation);
  const progress = await world.call('GetActivationProgress', { ActivationId: activation.ActivationId });
  assert.deepEqual(progress, {
    ActivationId: activation.ActivationId,
    Limit: 3,
    Registered: 1,
    Expired: false,
    ExpiresAt: new Date(world.clock.now() + day),
    Refused: [{ Reason: 'activation-expired', Count: 9, LastAt: new Date(5000) }],
    NotSeen: 2,
  });
});

test('an activation is found in its region, unless the host names another', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.call('CreateActivation', { IamRole: 'role' }, { region: 'eu-west-1' });
  const elsewhere = { headers: { host: 'ssm.us-east-1.rollcall.lan' } };
  assert.equal((await refusalOf(world.register(activation, {}, elsewhere))).code, 'InvalidActivation');
  const nodeId = await world.register(activation, {}, { headers: { host: 'localhost:8443' } });
  assert.equal((await world.nodes.findNode(nodeId))?.region, 'eu-west-1');
});

test('a machine that asks for another region uses nothing up, and hears which is right', async (context) => {
  const world = await openActivationsWorld(context);
  const activation = await world.call('CreateActivation', { IamRole: 'role' }, { region: 'eu-west-1' });
  const asking = (region: string) => ({ headers: { 'x-rollcall-region': region } });
  const refusal = await refusalOf(world.register(activation, {}, asking('us-east-1')));
  assert.equal(refusal.code, 'InvalidActivation');
  assert.match(refusal.message, /belongs to region eu-west-1/);
  const wrong = { ...activation, ActivationCode: 'x'.repeat(20) };
  const guessed = await refusalOf(world.register(wrong, {}, asking('us-east-1')));
  assert.doesNotMatch(guessed.message, /eu-west-1/);
  const nodeId = await world.register(activation, {}, asking('eu-west-1'));
  assert.equal((await world.nodes.findNode(nodeId))?.region, 'eu-west-1');
});
