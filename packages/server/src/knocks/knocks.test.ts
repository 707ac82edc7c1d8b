/** Knocks: what the door remembers, and what it bears. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { ListKnocksInput, ListKnocksOutput } from '@rollcall/wire';
import { manualClock } from '../clock.ts';
import type { Call } from '../service/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { type Knock, type Knocks, type KnocksDeps, openKnocks } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'rollcall-knocks-'));
let store: Store;
before(async () => {
  store = await openStore({ kind: 'sqlite', directory });
});
beforeEach(() => store.write((tx) => tx.everywhere.deleteFrom('knocks').execute()));
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const node = (number: number) => `mi-${number.toString(16).padStart(17, '0')}`;
let strangers = 0;
const stranger = () => `mi-${(strangers++ + 0xabcdef00000).toString(16).padStart(17, 'f')}`;
const activation = '11111111-2222-3333-4444-555555555555';

function open(deps: Partial<KnocksDeps> = {}) {
  const clock = manualClock();
  const knocks = openKnocks({ store, clock, isKnown: () => false, ...deps });
  const note = (knock: Partial<Knock>) =>
    knocks.note({
      address: '192.0.2.1',
      reason: 'signature-mismatch',
      layer: 'signature',
      client: 'aws-cli',
      ...knock,
    });
  return { clock, knocks, note };
}
function list(knocks: Knocks, input: ListKnocksInput = {}): Promise<ListKnocksOutput> {
  return knocks.operations[0]!.handle({} as Call, input);
}
async function rowsBy(column: 'claim' | 'source' | 'room') {
  const rows = await store.read((tx) =>
    tx.everywhere
      .selectFrom('knocks')
      .select(column)
      .select((row) => row.fn.countAll().as('rows'))
      .groupBy(column)
      .execute(),
  );
  return new Map(rows.map((row) => [row[column], Number(row.rows)]));
}
async function total(): Promise<{ rows: number; knocks: number }> {
  const counted = await store.read((tx) =>
    tx.everywhere
      .selectFrom('knocks')
      .select((row) => [row.fn.countAll().as('rows'), row.fn.sum('count').as('knocks')])
      .executeTakeFirstOrThrow(),
  );
  return { rows: Number(counted.rows), knocks: Number(counted.knocks) };
}

test('equal attempts fold into one row that counts them, in memory and on disk', async () => {
  const { clock, knocks, note } = open({ isKnown: (claim) => claim === node(1) });
  const start = clock.now();
  for (let index = 0; index < 5; index++) note({ claim: node(1), detail: 'skew=-412s' });
  clock.advance(1000);
  await knocks.flush();
  note({ claim: node(1), serverName: 'ssm.us-east-1.example', detail: 'skew=-413s' });
  await knocks.close();
  const { Knocks, Total } = await list(knocks);
  assert.equal(Total, 1);
  assert.deepEqual(Knocks, [
    {
      Room: 'known',
      Source: '192.0.2.1/32',
      Address: '192.0.2.1',
      Claim: node(1),
      Reason: 'signature-mismatch',
      Layer: 'signature',
      Client: 'aws-cli',
      FirstAt: new Date(start),
      LastAt: new Date(start + 1000),
      Count: 6,
      ServerName: 'ssm.us-east-1.example',
      Detail: 'skew=-413s',
    },
  ]);
});

test('they are written by themselves every two seconds', async () => {
  const { clock, knocks, note } = open();
  note({});
  clock.advance(2000);
  await knocks.flush();
  assert.equal((await list(knocks)).Total, 1);
  await knocks.close();
});

test('an IPv6 source is its /64, and an IPv4 address in IPv6 clothes is itself', async () => {
  const { knocks, note } = open();
  const addresses = [
    '2001:db8:0:1::1',
    '2001:0DB8::1:0:0:0:2%eth0',
    '::ffff:192.0.2.9',
    '192.0.2.9',
    '',
    'nonsense:',
    '::1',
  ];
  for (const address of addresses) note({ address });
  await knocks.close();
  assert.deepEqual(
    await rowsBy('source'),
    new Map([
      ['0:0:0:0::/64', 1],
      ['192.0.2.9/32', 1],
      ['2001:db8:0:1::/64', 1],
      ['unknown', 1],
    ]),
  );
});

test('what a stranger sends cannot deceive a reader, and stays short', async () => {
  const { knocks, note } = open();
  note({
    claim: `evil\u001b[2J\u202egnp.exe${'x'.repeat(5000)}`,
    client: '\u0000\u200bcurl',
    detail: 'a\nb\ud800',
    serverName: '\u061c',
  });
  await knocks.close();
  const [knock] = (await list(knocks)).Knocks;
  assert.match(knock!.Claim!, /^evil\\u\{1b\}\[2J\\u\{202e\}gnp\.exex+$/);
  assert.ok(knock!.Claim!.length <= 64);
  assert.equal(knock!.Client, '\\u{0}\\u{200b}curl');
  assert.equal(knock!.Detail, 'a\\u{a}b\\u{d800}');
  assert.equal(knock!.ServerName, '\\u{61c}');
});

test('a fleet behind one address keeps a row for each of its nodes', async () => {
  const { knocks, note } = open({
    isKnown: () => true,
    knownClaims: async () => Array.from({ length: 500 }, (_, index) => node(index)),
  });
  await knocks.flush();
  for (let index = 0; index < 500; index++) note({ claim: node(index), reason: 'expired-token' });
  await knocks.close();
  assert.equal((await list(knocks, { Room: 'known' })).Total, 500);
});

test('a claim has eight rows at most, and the one that keeps coming is among them', async () => {
  const { clock, knocks, note } = open({ isKnown: () => true });
  for (let round = 0; round < 20; round++) {
    note({ claim: node(7), address: '10.0.0.7', reason: 'expired-token' });
    for (let index = 0; index < 20; index++) note({ claim: node(7), address: `203.0.${round}.${index}` });
    clock.advance(1000);
    await knocks.flush();
  }
  await knocks.close();
  const { Knocks } = await list(knocks, { Claim: node(7) });
  assert.equal(Knocks.length, 8);
  assert.equal(Knocks.find((knock) => knock.Source === '10.0.0.7/32')?.Count, 20);
});

test('1,000,000 made-up claims, from few and from many sources: bounded, counted, and no honest knock is lost', async () => {
  const known = new Set([activation, ...Array.from({ length: 50 }, (_, index) => node(index))]);
  const { knocks, note } = open({ isKnown: (claim) => known.has(claim), knownClaims: async () => known });
  await knocks.flush();
  let most = 0;
  for (let index = 0; index < 1_000_000; index++) {
    const place = index.toString(16).padStart(5, '0');
    const address = index % 2 === 0 ? '198.51.100.1' : `2001:db8:${place.slice(0, 3)}:${place.slice(3)}::1`;
    note({ claim: `mi-abcdef000000${place}`, address });
    // Honest ones, from behind the very address that shouts.
    if (index % 20_000 === 0)
      note({ claim: node(index / 20_000), address: '198.51.100.1', reason: 'expired-token' });
    if (index === 900_000) note({ claim: activation, address: '10.0.0.9', reason: 'activation-expired' });
    if (index % 1000 === 0) most = Math.max(most, knocks.waiting);
  }
  assert.ok(most <= 2600, `${most} rows waited`);
  await knocks.close();
  const rooms = await rowsBy('room');
  assert.equal(rooms.get('known'), 51);
  assert.ok(rooms.get('stranger')! <= 2600);
  assert.ok((await rowsBy('source')).get('198.51.100.1/32')! <= 32 + 50);
  assert.equal((await total()).knocks, 1_000_051);
  assert.equal((await list(knocks, { Claim: activation })).Knocks[0]!.Reason, 'activation-expired');
});

test('a quiet source is remembered while others shout', async () => {
  const { knocks, note } = open();
  for (let index = 0; index < 100_000; index++)
    note({ claim: stranger(), address: `198.51.100.${index % 200}` });
  note({ claim: 'mi-typo', address: '10.1.2.3' });
  await knocks.close();
  assert.equal((await list(knocks, { Claim: 'mi-typo' })).Total, 1);
  const bySource = await rowsBy('source');
  assert.equal(bySource.size, 201);
  for (const rows of bySource.values()) assert.ok(rows <= 32);
});

test("the strangers' room stays at 10,000 rows over many floods; who came back stays, and so does what is known", async () => {
  const { knocks, note, clock } = open({
    isKnown: (claim) => claim === node(1),
    knownClaims: async () => [node(1)],
  });
  await knocks.flush();
  note({ claim: node(1) });
  note({ claim: 'mi-typo', address: '10.9.9.9' });
  await knocks.flush();
  clock.advance(60_000);
  note({ claim: 'mi-typo', address: '10.9.9.9' });
  for (let round = 0; round < 8; round++) {
    for (let index = 0; index < 2000; index++) {
      note({ claim: 'x', address: `10.${round}.${index >> 8}.${index & 255}` });
    }
    clock.advance(1000);
    await knocks.flush();
  }
  await knocks.close();
  const rooms = await rowsBy('room');
  assert.equal(rooms.get('known'), 1);
  assert.ok(rooms.get('stranger')! <= 10_000 && rooms.get('stranger')! > 9000, String(rooms.get('stranger')));
  assert.equal((await list(knocks, { Claim: 'mi-typo' })).Total, 1);
});

test('a claim that another server knows is found in the books even if this one never saw it', async () => {
  const { knocks, note } = open({ isKnown: async (claim) => claim === node(9) });
  note({ claim: node(9) });
  note({ claim: 'not-an-id' });
  await knocks.close();
  assert.equal((await list(knocks, { Claim: node(9) })).Knocks[0]!.Room, 'known');
});

test('when the books or the store fail, knocks wait, bounded, and are written later', async () => {
  let broken = true;
  const isKnown = async (claim: string) => {
    if (broken) throw new Error('no books');
    return claim === node(3);
  };
  const errors: unknown[] = [];
  const { knocks, note } = open({ isKnown, onError: (error) => errors.push(error) });
  for (let index = 0; index < 3; index++) {
    note({ claim: node(3), address: '10.0.0.3' });
    for (let more = 0; more < 100; more++) note({ claim: stranger() });
    await knocks.flush();
  }
  assert.equal(errors.length, 3);
  assert.ok(knocks.waiting <= 40);
  broken = false;
  await knocks.close();
  assert.equal((await total()).knocks, 303);
  assert.equal((await list(knocks, { Claim: node(3) })).Knocks[0]!.Count, 3);
});

test('strangers are forgotten after 7 days, known claims after 90', async () => {
  const { clock, knocks, note } = open({ isKnown: (claim) => claim === node(1) });
  note({ claim: node(1) });
  note({ claim: 'nobody' });
  await knocks.close();
  clock.advance(7 * 86_400_000);
  assert.equal(await knocks.sweep(), 0);
  clock.advance(1);
  assert.equal(await knocks.sweep(), 1);
  assert.equal((await list(knocks)).Knocks[0]!.Claim, node(1));
  clock.advance(83 * 86_400_000);
  assert.equal(await knocks.sweep(), 1);
});

test('pages are newest first, with the number of all', async () => {
  const { clock, knocks, note } = open();
  for (let index = 0; index < 7; index++) {
    if (index % 2 === 0) clock.advance(1);
    note({ claim: `c${index}`, address: `10.0.0.${index}` });
  }
  await knocks.close();
  const claims: string[] = [];
  let token: string | undefined;
  do {
    const page = await list(knocks, { MaxResults: 3, ...(token && { NextToken: token }) });
    assert.equal(page.Total, 7);
    claims.push(...page.Knocks.map((knock) => knock.Claim!));
    token = page.NextToken;
  } while (token);
  assert.deepEqual([...claims].sort(), ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
  assert.deepEqual(new Set(claims.slice(0, 1)), new Set(['c6']));
});

test('noting takes microseconds', () => {
  const { knocks, note } = open();
  for (let index = 0; index < 20_000; index++) note({ claim: stranger(), address: '2001:db8::1' });
  const start = process.hrtime.bigint();
  for (let index = 0; index < 50_000; index++)
    note({ claim: node(index), address: '2001:db8:1::1', detail: 'skew=-412s' });
  const each = Number(process.hrtime.bigint() - start) / 50_000;
  assert.ok(each < 10_000, `${each} ns`);
  void knocks;
});
