/** A journal is read as far as it was surely written, and goes on in memory where there is no room. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { historyOf } from './history.ts';
import { type JournalRecord, openJournal } from './journal.ts';
import type { StepOutcome } from './replies.ts';

let root: string;
let folder: string;
let file: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rollcall-journal-'));
  folder = join(root, 'command');
  file = join(folder, 'journal');
});
afterEach(() => rmSync(root, { recursive: true }));

const fine = (error: Error) => assert.fail(error);
const accepted: JournalRecord = { is: 'accepted', at: 1, jobId: 'j', content: '{}' };
const outcome: StepOutcome = {
  name: 'one',
  action: 'a',
  status: 'Success',
  code: 0,
  startedAt: 2,
  endedAt: 3,
  stdout: '',
  stderr: '',
};

test('wherever a crash cut it off, what was whole before is read, and it goes on behind', async () => {
  const records: JournalRecord[] = [
    accepted,
    { is: 'reply', id: 'r', at: 1, about: 'begin', content: 'text' },
    { is: 'started', path: 'one', at: 2 },
    { is: 'ended', path: 'one', outcome },
  ];
  const first = openJournal(folder, fine);
  await first.add(records);
  await first.close();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const whole = readFileSync(file);
  for (let length = whole.length; length >= 0; length -= 1) {
    truncateSync(file, length);
    const again = openJournal(folder, fine);
    const read = await again.records();
    assert.deepEqual(read, records.slice(0, read.length));
    await again.add([{ is: 'cancelled' }]);
    assert.deepEqual(await again.records(), [...read, { is: 'cancelled' }]);
    await again.close();
    truncateSync(file, length);
  }
});

test('what is added while something is written is written as well', async () => {
  const journal = openJournal(folder, fine);
  const adding: Promise<void>[] = [];
  for (let number = 0; number < 300; number += 1) {
    adding.push(journal.add([{ is: 'remark', text: String(number) }], number % 3 === 0));
    if (number % 7 === 0) await new Promise((resolve) => setTimeout(resolve, number % 2));
  }
  await Promise.all(adding);
  await journal.close();
  const again = openJournal(folder, fine);
  const texts = (await again.records()).map((record) => record.is === 'remark' && record.text);
  assert.deepEqual(
    texts,
    adding.map((_, number) => String(number)),
  );
});

test('where nothing can be written memory keeps it, and the file gets it as soon as it can', async () => {
  // A file where the folder should be: whoever runs this, root or not, can't make it.
  writeFileSync(folder, '');
  const failures: Error[] = [];
  const journal = openJournal(folder, (error) => failures.push(error));
  await journal.add([accepted]);
  assert.equal(journal.onDisk(), false);
  assert.equal(failures.length, 1);
  assert.deepEqual(await journal.records(), [accepted]);
  rmSync(folder);
  mkdirSync(folder);
  await journal.add([{ is: 'cancelled' }]);
  assert.equal(journal.onDisk(), true);
  await journal.close();
  const again = openJournal(folder, fine);
  assert.deepEqual(await again.records(), [accepted, { is: 'cancelled' }]);
  await again.close();
});

test('a history tells a step that was running from one that ended, and a reboot that is awaited', () => {
  const started: JournalRecord = { is: 'started', path: 'one', at: 2 };
  assert.equal(historyOf([]).accepted, undefined);
  assert.equal(historyOf([accepted, started]).running?.path, 'one');
  assert.equal(historyOf([accepted, started, { is: 'ended', path: 'one', outcome }]).running, undefined);
  const part: JournalRecord = { is: 'ended', path: 'one/inner', outcome };
  assert.equal(historyOf([accepted, started, part]).running?.path, 'one');
  const wantsReboot: JournalRecord[] = [
    accepted,
    started,
    { is: 'ended', path: 'one', outcome: { ...outcome, status: 'SuccessAndReboot', code: 194 } },
    { is: 'rebooting', path: 'one', at: 4, boot: 'b' },
  ];
  assert.equal(historyOf(wantsReboot).rebooting?.boot, 'b');
  assert.equal(historyOf([...wantsReboot, started]).rebooting, undefined);
  assert.equal(historyOf([...wantsReboot, { is: 'ended', path: 'one', outcome }]).rebooting, undefined);
});
