/** The audit trail, as an operator reads it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ListAuditRecordsInput, ListAuditRecordsOutput } from '@rollcall/wire';
import { manualClock } from '../clock.ts';
import type { Call } from '../service/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { openAudit, recordAudit } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
const clock = manualClock();
let store: Store;
before(async () => {
  store = await openStore({ kind: 'sqlite', directory });
});
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

function callAt(region: string, operation: string, at = clock.now()): Call {
  return {
    id: '00000000-0000-4000-8000-000000000000',
    at,
    region,
    account: '000000000000',
    principal: { kind: 'user', arn: 'arn:aws:iam::000000000000:user/ann', name: 'ann', accessKeyId: 'AKIA' },
    source: { address: '10.0.0.7', port: 4711, userAgent: 'aws-cli/2' },
    operation,
    headers: {},
  };
}
async function list(region: string, input: ListAuditRecordsInput = {}): Promise<ListAuditRecordsOutput> {
  const audit = openAudit({ store, clock });
  const answer = await audit.operations[0]!.handle(callAt(region, 'rollcall:ListAuditRecords'), input);
  await audit.close();
  return answer;
}

test('a change and its audit row happen together or not at all', async () => {
  const call = callAt('r-together', 'ssm:CreateActivation');
  const failing = store.write(async (tx) => {
    await recordAudit(tx, call, { resource: 'a' });
    throw new Error('the change failed');
  });
  await assert.rejects(failing, /the change failed/);
  await store.write((tx) => recordAudit(tx, call, { resource: 'b' }));
  const { Records } = await list('r-together');
  assert.deepEqual(
    Records.map(({ Resource, Decision, Source, Count }) => ({ Resource, Decision, Source, Count })),
    [{ Resource: 'b', Decision: 'allow', Source: '10.0.0.7', Count: 1 }],
  );
});

test('secrets never get into a detail, however they are handed in', async () => {
  const detail = {
    AccessKeyId: 'AKIA1',
    SecretAccessKey: 'hush-1',
    ActivationCode: 'hush-2',
    SessionToken: 'hush-3',
  };
  await store.write((tx) => recordAudit(tx, callAt('r-secret', 'x:Y'), { resource: 'r', detail }));
  const text = JSON.stringify(await list('r-secret'));
  assert.match(text, /AKIA1/);
  assert.doesNotMatch(text, /hush/);
});

test('equal refusals within a minute are one row, counted, across flushes', async () => {
  const audit = openAudit({ store, clock });
  const start = clock.now();
  for (let index = 0; index < 1000; index++)
    audit.refused(callAt('r-fold', 'ssm:SendCommand', start + index), '*', 'AccessDeniedException');
  await audit.flush();
  audit.refused(callAt('r-fold', 'ssm:SendCommand', start + 59_000), '*', 'AccessDeniedException');
  audit.refused(callAt('r-fold', 'ssm:SendCommand', start + 61_000), '*', 'AccessDeniedException');
  await audit.close();
  const { Records, Total } = await list('r-fold', { Decision: 'deny' });
  assert.equal(Total, 2);
  assert.deepEqual(
    Records.map((record) => record.Count),
    [1, 1001],
  );
  assert.equal(Records[1]!.At.getTime(), start);
  assert.equal(Records[1]!.LastAt.getTime(), start + 59_000);
  assert.equal(Records[1]!.Code, 'AccessDeniedException');
});

test('refusals are written every two seconds by themselves', async () => {
  const audit = openAudit({ store, clock });
  audit.refused(callAt('r-timer', 'ssm:SendCommand'), '*', 'AccessDeniedException');
  clock.advance(2000);
  await audit.flush();
  assert.equal((await list('r-timer')).Total, 1);
  await audit.close();
});

test('a caller who tries a million different things stays within bounds, and no refusal goes uncounted', async () => {
  const audit = openAudit({ store, clock });
  for (let index = 0; index < 20_000; index++)
    audit.refused(callAt('r-many', 'ssm:Get'), `thing/${index}`, 'AccessDeniedException');
  await audit.close();
  const counted = await store.read((tx) =>
    tx.everywhere
      .selectFrom('audit')
      .select((row) => [row.fn.countAll().as('rows'), row.fn.sum('count').as('sum')])
      .where('region', '=', 'r-many')
      .executeTakeFirstOrThrow(),
  );
  assert.ok(Number(counted.rows) <= 5001);
  assert.equal(Number(counted.sum), 20_000);
});

test('one caller who is refused a new thing every time leaves few rows a minute, flush after flush', async () => {
  const audit = openAudit({ store, clock });
  for (let index = 0; index < 1_000; index++) {
    audit.refused(callAt('r-one', 'ssm:Get'), `thing/${index}`, 'AccessDeniedException');
    if (index % 100 === 0) await audit.flush();
  }
  await audit.close();
  const { rows, sum } = await store.read((tx) =>
    tx.everywhere
      .selectFrom('audit')
      .select((row) => [row.fn.countAll().as('rows'), row.fn.sum('count').as('sum')])
      .where('region', '=', 'r-one')
      .executeTakeFirstOrThrow(),
  );
  assert.ok(Number(rows) <= 101, `${rows} rows`);
  assert.equal(Number(sum), 1_000);
});

test('when the store fails, refusals wait and are written later', async () => {
  let broken = true;
  const flaky: Store = {
    ...store,
    read: store.read.bind(store),
    write: (work) => (broken ? Promise.reject(new Error('disk full')) : store.write(work)),
  };
  const errors: unknown[] = [];
  const audit = openAudit({ store: flaky, clock, onError: (error) => errors.push(error) });
  audit.refused(callAt('r-later', 'ssm:SendCommand'), '*', 'AccessDeniedException');
  await audit.flush();
  assert.equal(errors.length, 1);
  broken = false;
  await audit.close();
  assert.equal((await list('r-later')).Total, 1);
});

test('pages are newest first and stable while rows are added', async () => {
  for (let index = 0; index < 25; index++) {
    await store.write((tx) =>
      recordAudit(tx, callAt('r-pages', 'x:Y', clock.now() + Math.floor(index / 5)), {
        resource: `r${index}`,
      }),
    );
  }
  const seen: string[] = [];
  let token: string | undefined;
  do {
    const page = await list('r-pages', { MaxResults: 10, ...(token && { NextToken: token }) });
    assert.equal(page.Total >= 25, true);
    seen.push(...page.Records.map((record) => record.Resource));
    token = page.NextToken;
    await store.write((tx) =>
      recordAudit(tx, callAt('r-pages', 'x:Y', clock.now() + 60_000), { resource: 'new' }),
    );
  } while (token);
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, index) => `r${24 - index}`),
  );
});

test('a token that is not ours is refused', async () => {
  for (const NextToken of ['x', 'AAAA', Buffer.from('[1]').toString('base64url')]) {
    await assert.rejects(list('r-pages', { NextToken }), { code: 'InvalidNextToken' });
  }
});

test('the sweep removes what is older than the retention, and only that', async () => {
  const own = manualClock(Date.UTC(2024, 0, 1));
  const old = { ...callAt('r-sweep', 'x:Y', own.now()) };
  await store.write((tx) => recordAudit(tx, old, { resource: 'old' }));
  own.advance(400 * 86_400_000);
  await store.write((tx) => recordAudit(tx, { ...old, at: own.now() }, { resource: 'young' }));
  own.advance(1);
  const audit = openAudit({ store, clock: own });
  assert.equal(await audit.sweep(), 1);
  await audit.close();
  assert.deepEqual(
    (await list('r-sweep')).Records.map((record) => record.Resource),
    ['young'],
  );
});
