/** When an agent looks at its machine, and when it tells: by a clock that a test turns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError, ServerRefusal } from '../failures.ts';
import { silentLog } from '../log.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { type EvidenceDeps, openEvidence } from './evidence.ts';
import type { Known } from './look.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** An agent's evidence with everything around it in a test's hand. */
function world(more: Partial<EvidenceDeps> = {}) {
  const clock = manualClock();
  const looks: (Known & { readonly at: number })[] = [];
  const told: string[] = [];
  const state = {
    sign: 'a'.repeat(16),
    told: undefined as { at: string; sign: string } | undefined,
    refuse: undefined as Error | undefined,
    free: 50e9,
    isTrouble: false,
    tries: 0,
  };
  const begin = clock.now();
  const evidence = openEvidence({
    root: '/nowhere',
    clock,
    random: () => 0.5,
    log: silentLog,
    look: async (known) => {
      looks.push({ ...known, at: clock.now() - begin });
      return { sign: state.sign, isTrouble: state.isTrouble, json: `{"sign":"${state.sign}"}` };
    },
    tell: async (json) => {
      state.tries += 1;
      if (state.refuse) throw state.refuse;
      told.push(json);
    },
    skew: () => 0,
    told: () => state.told,
    wasTold: (one) => {
      state.told = one;
    },
    room: async () => ({ free: state.free, all: 100e9 }),
    ...more,
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    evidence,
    looks,
    told,
    state,
    settle,
    async pass(ms: number, steps = 60) {
      for (let step = 0; step < steps; step++) {
        clock.advance(ms / steps);
        await settle();
      }
    },
  };
}

test('a node that never told anything looks within seconds after it is there, and tells', async () => {
  const { evidence, looks, told, pass } = world();
  await pass(hour);
  assert.equal(looks.length, 0, 'before the server is reached or lost there is no reason');
  evidence.reached();
  await pass(15 * second);
  assert.equal(looks.length, 1);
  assert.deepEqual([looks[0]?.isReached, told], [true, ['{"sign":"aaaaaaaaaaaaaaaa"}']]);
  evidence.close();
});

test('one that told before waits for minutes, since all may have started at once, and says nothing that is known', async () => {
  const { evidence, looks, told, state, pass } = world();
  state.told = { at: new Date().toISOString(), sign: state.sign };
  evidence.reached();
  await pass(2 * minute);
  assert.equal(looks.length, 0);
  await pass(8 * minute);
  assert.deepEqual([looks.length, told.length], [1, 0]);
  evidence.close();
});

test('the same is told again only after hours; what is new at the next look', async () => {
  const { evidence, looks, told, state, pass } = world();
  evidence.reached();
  await pass(5 * hour, 600);
  assert.deepEqual([looks.length, told.length], [5, 1], 'a look an hour');
  await pass(2 * hour, 240);
  assert.equal(told.length, 2, 'after six hours');
  state.sign = 'b'.repeat(16);
  await pass(75 * minute, 150);
  assert.equal(told.length, 3);
  evidence.close();
});

test('while something is wrong it looks, and tells, before what it told counts no more', async () => {
  const { evidence, looks, told, state, pass } = world();
  state.isTrouble = true;
  evidence.reached();
  await pass(hour, 240);
  assert.deepEqual([looks.length, told.length], [5, 5]);
  const gaps = looks.slice(1).map(({ at }, index) => at - looks[index]!.at);
  assert.ok(
    gaps.every((gap) => gap <= 14 * minute + 30 * second),
    String(gaps),
  );
  evidence.close();
});

test('a disk that fills up is noticed at a heartbeat, and looks are never closer than ten minutes', async () => {
  const { evidence, looks, state, settle, pass } = world();
  evidence.reached();
  await pass(20 * second);
  evidence.beaten();
  await settle();
  state.free = 0;
  evidence.beaten();
  await settle();
  for (let times = 0; times < 50; times++) evidence.noticed();
  await pass(8 * minute);
  assert.equal(looks.length, 1);
  await pass(3 * minute);
  assert.equal(looks.length, 2);
  evidence.noticed();
  await pass(8 * minute);
  assert.equal(looks.length, 2);
  evidence.close();
});

test('what was seen in an outage is kept, told first when the way is free, with how long it was kept', async () => {
  const { evidence, looks, told, state, pass } = world();
  evidence.reached();
  await pass(20 * second);
  evidence.lost();
  for (let failed = 0; failed < 30; failed++) evidence.lost();
  state.sign = 'c'.repeat(16);
  await pass(4 * minute);
  assert.deepEqual([looks.length, looks[1]?.isReached], [2, false], 'the way itself was tried');
  await pass(20 * minute);
  assert.deepEqual([looks.length, told.length], [2, 1], 'nothing is sent, and nothing piles up');
  evidence.reached();
  await pass(30 * second);
  assert.equal(told.length, 2);
  const { heldMs, sign } = JSON.parse(told[1]!);
  assert.equal(sign, state.sign);
  assert.ok(heldMs > 20 * minute && heldMs < 24 * minute, String(heldMs));
  state.sign = 'd'.repeat(16);
  await pass(10 * minute);
  assert.equal(JSON.parse(told[2]!).sign, state.sign, 'and how it is now, soon after');
  evidence.close();
});

test('an outage that passes by itself isn’t looked at, however often', async () => {
  const { evidence, looks, pass } = world();
  evidence.reached();
  await pass(20 * second);
  for (let times = 0; times < 20; times++) {
    evidence.lost();
    await pass(10 * second, 5);
    evidence.reached();
    await pass(20 * second, 5);
  }
  assert.ok(looks.length <= 2, String(looks.length));
  evidence.close();
});

test('telling is tried four times, and a server that doesn’t take it is left alone for a day', async () => {
  const { evidence, looks, state, pass } = world();
  state.refuse = new ConnectionError('connection', 'ETIMEDOUT', 'no answer');
  evidence.reached();
  await pass(40 * minute, 400);
  assert.equal(state.tries, 4);
  state.tries = 0;
  state.refuse = new ServerRefusal('UnknownOperationException', '', 400);
  await pass(23 * hour, 3000);
  assert.equal(state.tries, 1);
  const { length } = looks;
  assert.equal(length, 2, 'nor is anything looked at');
  state.refuse = undefined;
  await pass(4 * hour, 600);
  assert.equal(state.tries, 2);
  evidence.close();
});

test('a node that only reports in tells, too, and tries the way that the channel would take', async () => {
  const { evidence, looks, told, pass } = world();
  evidence.reached(true);
  await pass(20 * second);
  assert.deepEqual([looks[0]?.isReached, told.length], [false, 1]);
  evidence.close();
});

test('an agent that ends looks and tells no more', async () => {
  const { evidence, looks, pass } = world();
  evidence.reached();
  evidence.close();
  await pass(2 * hour);
  assert.equal(looks.length, 0);
});
