/** Which commands ran is remembered for a week, whatever else has to go; what they downloaded, for a day. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLog } from '../log.ts';
import { type ManualClock, manualClock } from '../testing/manual-clock.ts';
import { openJobStore } from './job-store.ts';

let root: string;
let clock: ManualClock;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rollcall-store-'));
  clock = manualClock();
});
afterEach(() => rmSync(root, { recursive: true }));

const day = 86_400_000;
const ended = (id: string) => ({
  jobId: `aws.ssm.${id}.mi-1`,
  at: clock.now(),
  status: 'Success',
  reply: { id: 'r', content: '{}' },
});
const names = () => readdirSync(join(root, 'jobs')).sort();

async function accept(store: Awaited<ReturnType<typeof openJobStore>>, id: string) {
  const job = store.open(id, `aws.ssm.${id}.mi-1`);
  await job.journal.add([{ is: 'accepted', at: clock.now(), jobId: `aws.ssm.${id}.mi-1`, content: '{}' }]);
  return job;
}

test('what was taken is found again until it is done with; what was only begun to be taken never was', async () => {
  const first = await openJobStore(root, clock, silentLog);
  const [taken, gone, torn] = [randomUUID(), randomUUID(), randomUUID()];
  await (await accept(first, taken)).journal.close();
  const job = await accept(first, gone);
  assert.equal(await first.settle(job, ended(gone)), true);
  mkdirSync(join(root, 'jobs', torn));
  writeFileSync(join(root, 'jobs', torn, 'journal'), '\n{"is":"accepted","at":1,"jobId":"aws.');
  await first.close();
  const second = await openJobStore(root, clock, silentLog);
  assert.deepEqual(
    second.found.map((found) => found.job.id),
    [taken],
  );
  assert.deepEqual(second.ended(gone), ended(gone));
  assert.equal(second.ended(taken), undefined);
  assert.deepEqual(names(), ['ended', 'reserve', taken].sort());
  assert.equal(statSync(join(root, 'jobs')).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, 'jobs', 'ended', `${gone}.json`)).mode & 0o777, 0o600);
  await second.close();
});

test('what can’t be read is not taken for what isn’t there: nothing is dropped, and nothing runs again', async () => {
  const first = await openJobStore(root, clock, silentLog);
  const [taken, gone] = [randomUUID(), randomUUID()];
  await (await accept(first, taken)).journal.close();
  await first.settle(await accept(first, gone), ended(gone));
  const damaged = join(root, 'jobs', 'ended', `${gone}.json`);
  writeFileSync(damaged, '{"jobId');
  assert.throws(() => first.ended(gone));
  await first.close();
  // Folders where files should be can't be read, whoever runs this.
  const journal = join(root, 'jobs', taken, 'journal');
  renameSync(journal, `${journal}.kept`);
  mkdirSync(journal);
  await assert.rejects(openJobStore(root, clock, silentLog), { code: 'EISDIR' });
  rmdirSync(journal);
  renameSync(`${journal}.kept`, journal);
  const second = await openJobStore(root, clock, silentLog);
  assert.deepEqual(
    second.found.map((found) => found.job.id),
    [taken],
  );
  await second.close();
});

test('a place in the reserve is given back by the next agent, if the last was killed before it could', async () => {
  const id = randomUUID();
  const reserve = join(root, 'jobs', 'reserve');
  const first = await openJobStore(root, clock, silentLog);
  await first.settle(await accept(first, id), ended(id));
  await first.close();
  const entry = JSON.stringify({ jobId: ended(id).jobId, at: 1, state: 'ended', status: 'Success' });
  const file = openSync(reserve, 'r+');
  writeSync(file, entry, 0);
  closeSync(file);
  const second = await openJobStore(root, clock, silentLog);
  assert.deepEqual(second.found, []);
  await second.close();
  assert.doesNotMatch(readFileSync(reserve, 'utf8'), /[{]/);
});

test('it is remembered for a week, and not longer', async () => {
  const store = await openJobStore(root, clock, silentLog);
  const [young, old] = [randomUUID(), randomUUID()];
  for (const id of [young, old]) await store.settle(await accept(store, id), ended(id));
  const at = (clock.now() - 7 * day - 1000) / 1000;
  utimesSync(join(root, 'jobs', 'ended', `${old}.json`), at, at);
  await store.sweep();
  assert.ok(store.ended(young));
  assert.equal(store.ended(old), undefined);
  await store.close();
});

test('of very many, what they said is dropped, but not that they ran', async () => {
  const store = await openJobStore(root, clock, silentLog);
  const ids = Array.from({ length: 2010 }, () => randomUUID());
  for (const [number, id] of ids.entries()) {
    const path = join(root, 'jobs', 'ended', `${id}.json`);
    writeFileSync(path, JSON.stringify(ended(id)));
    const at = clock.now() / 1000 - 10_000 + number;
    utimesSync(path, at, at);
  }
  await store.sweep();
  assert.equal(readdirSync(join(root, 'jobs', 'ended')).length, 2000);
  await store.close();
  const again = await openJobStore(root, clock, silentLog);
  assert.equal(again.ended(ids[0]!)?.reply, undefined);
  assert.ok(ids.every((id) => again.ended(id)?.status === 'Success'));
  clock.advance(7 * day + 1000);
  await again.sweep();
  assert.equal(again.ended(ids[0]!), undefined);
  await again.close();
});

test('downloads stay for a day, the rest of a command’s folder goes at once', async () => {
  const store = await openJobStore(root, clock, silentLog);
  const id = randomUUID();
  const job = await accept(store, id);
  const downloads = join(job.folder, 'downloads');
  for (const path of [downloads, join(job.folder, 'steps', '0')]) mkdirSync(path, { recursive: true });
  await store.settle(job, ended(id));
  assert.deepEqual(readdirSync(job.folder), ['downloads']);
  await store.sweep();
  assert.ok(existsSync(downloads));
  clock.advance(day + 60_000);
  await store.sweep();
  assert.equal(existsSync(job.folder), false);
  await store.close();
});

test('downloads go after a day also when so many commands followed that only its id is kept', async () => {
  const store = await openJobStore(root, clock, silentLog);
  const id = randomUUID();
  const job = await accept(store, id);
  mkdirSync(join(job.folder, 'downloads'), { recursive: true });
  await store.settle(job, ended(id));
  const early = clock.now() / 1000 - 1000;
  utimesSync(join(root, 'jobs', 'ended', `${id}.json`), early, early);
  for (let number = 0; number < 2000; number += 1) {
    const other = randomUUID();
    writeFileSync(join(root, 'jobs', 'ended', `${other}.json`), JSON.stringify(ended(other)));
  }
  await store.sweep();
  assert.equal(existsSync(join(root, 'jobs', 'ended', `${id}.json`)), false);
  assert.ok(existsSync(job.folder));
  clock.advance(day + 60_000);
  await store.sweep();
  assert.equal(existsSync(job.folder), false);
  assert.equal(store.ended(id)?.status, 'Success');
  await store.close();
});

test('an end that can’t be written is told so, and is written later', async () => {
  const store = await openJobStore(root, clock, silentLog);
  const id = randomUUID();
  const job = await accept(store, id);
  // A file where the folder should be: whoever runs this, root or not, can't write into it.
  rmSync(join(root, 'jobs', 'ended'), { recursive: true });
  writeFileSync(join(root, 'jobs', 'ended'), '');
  assert.equal(await store.settle(job, ended(id)), false);
  assert.ok(existsSync(job.folder));
  rmSync(join(root, 'jobs', 'ended'));
  mkdirSync(join(root, 'jobs', 'ended'));
  assert.equal(await store.settle(job, ended(id)), true);
  assert.equal(existsSync(job.folder), false);
  await store.close();
});
