/** Replies go until they are heard: on whichever way is open, in their order, never more at once than is sensible. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ServerRefusal } from '../failures.ts';
import { silentLog } from '../log.ts';
import { type ManualClock, manualClock } from '../testing/manual-clock.ts';
import { type Letter, openOutbox, type Ways } from './outbox.ts';

let clock: ManualClock;
let way: ReturnType<Ways['open']>;
let sent: string[];
let done: string[];
let post: Ways['post'];

beforeEach(() => {
  clock = manualClock();
  way = 'channel';
  sent = [];
  done = [];
  post = async (letters, taken) => {
    for (const { letter, content } of letters) {
      sent.push(`${letter.id} ${content}`);
      taken(letter);
    }
  };
});

const open = () =>
  openOutbox(clock, silentLog, {
    open: () => way,
    send: (letter, content) => void sent.push(`${letter.id} ${content}`),
    post: (...args) => post(...args),
  });
const letter = (id: string): Letter => ({
  id,
  jobId: 'job',
  at: clock.now(),
  content: async () => 'text',
  done: () => void done.push(id),
});
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test('without a way it waits, with one it sends everything at once, in order', async () => {
  way = undefined;
  const outbox = open();
  for (const id of ['a', 'b', 'c']) outbox.add(letter(id));
  clock.advance(3_600_000);
  await settled();
  assert.deepEqual(sent, []);
  way = 'channel';
  outbox.connected();
  await settled();
  assert.deepEqual(sent, ['a text', 'b text', 'c text']);
  outbox.acknowledged('b');
  outbox.acknowledged('b');
  outbox.acknowledged('unknown');
  assert.deepEqual(done, ['b']);
  assert.equal(outbox.size, 2);
});

test('what is not acknowledged goes again every 30 s, and later less often', async () => {
  const outbox = open();
  outbox.add(letter('a'));
  await settled();
  for (let minute = 0; minute < 4; minute += 1) {
    for (let second = 0; second < 60; second += 10) {
      clock.advance(10_000);
      await settled();
    }
  }
  assert.equal(sent.length, 9);
  for (let step = 0; step < 120; step += 1) {
    clock.advance(30_000);
    await settled();
  }
  assert.ok(sent.length > 12 && sent.length < 20, `${sent.length}`);
  outbox.close();
});

test('no more than 32 are on their way; each that is heard makes room for the next', async () => {
  const outbox = open();
  for (let number = 0; number < 50; number += 1) outbox.add(letter(String(number)));
  await settled();
  assert.equal(sent.length, 32);
  for (let number = 0; number < 18; number += 1) outbox.acknowledged(String(number));
  await settled();
  assert.deepEqual(
    sent.map((text) => text.split(' ')[0]),
    Array.from({ length: 50 }, (_, number) => String(number)),
  );
});

test('replies that the server will have none of keep no others waiting, on either way', async () => {
  const outbox = open();
  for (let number = 0; number < 32; number += 1) outbox.add(letter(`bad ${number}`));
  outbox.add(letter('good'));
  await settled();
  assert.ok(!sent.includes('good text'));
  for (let second = 0; second < 31; second += 1) {
    clock.advance(1000);
    await settled();
  }
  assert.ok(sent.includes('good text'));
  outbox.acknowledged('good');
  way = 'polling';
  post = async (letters, taken, refused) => {
    for (const { letter: one } of letters) (one.id.startsWith('bad') ? refused : taken)(one);
  };
  outbox.connected();
  await settled();
  outbox.add(letter('better'));
  await settled();
  assert.deepEqual(done, ['good', 'better']);
  outbox.close();
});

test('a clock that is set back holds up nothing', async () => {
  const outbox = open();
  for (let number = 0; number < 32; number += 1) outbox.add(letter(`early ${number}`));
  await settled();
  clock.set(-3_600_000);
  outbox.add(letter('late'));
  await settled();
  assert.ok(sent.includes('late text'));
  outbox.close();
});

test('posted replies that the server takes are done; those it doesn’t take come again', async () => {
  way = 'polling';
  let works = false;
  const takes = post;
  post = async (letters, taken) => {
    if (!works) throw new ServerRefusal('InternalServerError', '', 500);
    await takes(letters, taken, () => {});
  };
  const outbox = open();
  outbox.add(letter('a'));
  await settled();
  assert.deepEqual(done, []);
  works = true;
  clock.advance(30_000);
  await settled();
  assert.deepEqual(done, ['a']);
  assert.equal(outbox.size, 0);
});

test('after a week, or when there are ten thousand, a reply is given up', async () => {
  way = undefined;
  const outbox = open();
  outbox.add(letter('old'));
  clock.advance(7 * 86_400_000 + 1);
  outbox.add(letter('new'));
  await settled();
  assert.deepEqual(done, ['old']);
  for (let number = 0; number < 10_000; number += 1) outbox.add(letter(String(number)));
  await settled();
  assert.deepEqual(done, ['old', 'new']);
  assert.equal(outbox.size, 10_000);
});

test('one whose text can’t be read now is read later, and the others go meanwhile', async () => {
  let works = false;
  const outbox = open();
  outbox.add({
    ...letter('a'),
    async content() {
      if (!works) throw new Error('EMFILE');
      return 'text';
    },
  });
  outbox.add(letter('b'));
  await settled();
  assert.deepEqual(sent, ['b text']);
  works = true;
  clock.advance(30_000);
  await settled();
  assert.ok(sent.includes('a text'));
  assert.deepEqual(done, []);
  outbox.close();
});

test('one whose text is lost is not waited for', async () => {
  const outbox = open();
  outbox.add({ ...letter('a'), content: async () => undefined });
  outbox.add(letter('b'));
  await settled();
  assert.deepEqual(sent, ['b text']);
  assert.deepEqual(done, ['a']);
});
