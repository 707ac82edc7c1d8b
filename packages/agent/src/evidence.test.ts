/** When an agent looks at its machine, and what becomes of what it saw. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EvidenceOptions, lookInChild, openEvidence } from './evidence.ts';
import { silentLog } from './log.ts';
import { manualClock } from './testing/manual-clock.ts';

const minute = 60_000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

function opened(changes: Partial<EvidenceOptions> = {}) {
  const clock = manualClock();
  const looks: boolean[] = [];
  const sent: string[] = [];
  const evidence = openEvidence({
    clock,
    random: () => 0.5,
    log: silentLog,
    look: async (withWay) => {
      looks.push(withWay);
      return `look ${looks.length}`;
    },
    send: async (text) => void sent.push(text),
    isCutOff: () => false,
    ...changes,
  });
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= minute / 4) {
      await clock.advance(Math.min(left, minute / 4));
      await settled();
    }
  };
  return { clock, looks, sent, evidence, pass };
}

test('it looks soon after something happened, and then now and then', async () => {
  const { looks, sent, evidence, pass } = opened();
  await pass(60 * minute);
  assert.deepEqual(looks, [], 'nothing has happened yet');
  evidence.happened();
  await pass(minute);
  assert.deepEqual(sent, ['look 1']);
  await pass(61 * minute);
  assert.equal(looks.length, 5, 'every quarter of an hour');
  evidence.close();
  await pass(60 * minute);
  assert.equal(looks.length, 5);
});

test('what happens again and again is looked at every five minutes at most', async () => {
  const { looks, evidence, pass } = opened();
  for (let beat = 0; beat < 20; beat += 1) {
    evidence.happened();
    await pass(minute);
  }
  assert.ok(looks.length >= 4 && looks.length <= 5, String(looks.length));
});

test('the way is tried only while commands can’t reach it; a failure is not the last word', async () => {
  let isCutOff = true;
  let fails = true;
  const sent: string[] = [];
  const { looks, evidence, pass } = opened({
    isCutOff: () => isCutOff,
    send: async (text) => {
      if (fails) throw new Error('no way');
      sent.push(text);
    },
  });
  evidence.happened();
  await pass(minute);
  isCutOff = false;
  fails = false;
  await pass(20 * minute);
  assert.deepEqual(looks.slice(0, 2), [true, false]);
  assert.deepEqual(sent, ['look 2']);
});

test('a look is a process that prints what it saw, without the way, and ends', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-look-'));
  t.after(() => rmSync(root, { recursive: true }));
  const seen = JSON.parse(await lookInChild(root)(false));
  assert.equal(seen.by, 'agent');
  assert.equal(seen.format, 1);
  assert.ok(seen.resources.disks.length > 0);
  assert.deepEqual(seen.endpoints, []);
});
