/** A step's processes are found wherever they went, and nobody else's. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { startOf } from '../lock.ts';
import { killTree, markName } from './process-tree.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts a shell; answers it, and the ids that it prints. */
async function start(script: string, env: Record<string, string> = {}) {
  const child = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...env },
  });
  children.push(child);
  const [printed] = await once(child.stdout!, 'data');
  return { pid: child.pid!, others: String(printed).trim().split(/\s+/).map(Number) };
}

function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('its group, its session, its descendants, and who carries its mark', async () => {
  const script = [
    // One in the group; one in a session of its own; one there and without the mark, but still a child.
    'sleep 300 & a=$!',
    'setsid sleep 300 & b=$!',
    `env -u ${markName} setsid sleep 300 & c=$!`,
    'echo $a $b $c; wait',
  ].join('\n');
  const { pid, others } = await start(script, { [markName]: 'node/command/step' });
  assert.ok(others.every(runs));
  await killTree({ pid, started: startOf(pid), mark: 'node/command/step' });
  assert.deepEqual([pid, ...others].map(runs), [false, false, false, false]);
});

test('a mark is also that of its parts, not that of others whose names begin alike', async () => {
  const part = await start('echo $$; exec sleep 300', { [markName]: 'node/command/step/inner' });
  const element = await start('echo $$; exec sleep 300', { [markName]: 'node/command/step#1' });
  const other = await start('echo $$; exec sleep 300', { [markName]: 'node/command/step2' });
  await killTree({ pid: 0, started: '', mark: 'node/command/step' });
  assert.deepEqual([part.pid, element.pid, other.pid].map(runs), [false, false, true]);
});

test('many trees that are cut at once: each finds its own, and no other', async () => {
  const trees = await Promise.all(
    Array.from({ length: 20 }, async (_, number) => {
      const mark = `node/command/step${number}`;
      const script = 'sleep 300 & a=$!; setsid sleep 300 & echo $a $!; wait';
      return { mark, ...(await start(script, { [markName]: mark })) };
    }),
  );
  const [spared, ...cut] = trees;
  const counts = await Promise.all(
    cut.map(({ pid, mark }) => killTree({ pid, started: startOf(pid), mark })),
  );
  assert.deepEqual(
    counts,
    cut.map(() => 3),
  );
  assert.ok(cut.every(({ pid, others }) => ![pid, ...others].some(runs)));
  assert.ok([spared!.pid, ...spared!.others].every(runs));
  for (const pid of spared!.others) process.kill(pid, 'SIGKILL');
});

test('a process that was given the id of one that ended is left alone', async () => {
  const { pid } = await start('echo $$; exec sleep 300');
  await killTree({ pid, started: '1@another-boot', mark: 'node/command/step' });
  assert.equal(runs(pid), true);
});
