/**
 * Wherever the agent is killed between two lines, a command ran at most once, its end is told, and there is only
 * one; the server offers it again each time, as it does when it heard nothing.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Enrolled, enrol, isEnd, stepsDocument } from '../testing/enrolled.ts';

const child = fileURLToPath(new URL('../testing/killable-agent.ts', import.meta.url));
const cache = join(tmpdir(), `rollcall-agent-test-cache-${process.getuid?.() ?? 0}`);

async function startKillable(it: Enrolled, message = '', count = 1): Promise<ChildProcess> {
  const before = it.server.hellos.length;
  const env = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: cache };
  const agent = spawn(process.execPath, [child, it.root, message, String(count)], { stdio: 'inherit', env });
  await it.server.until('it is connected', () => it.server.hellos.length > before);
  return agent;
}

const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);

/**
 * What the agent says at each moment, how often it does, and whether the first step may have begun by then: that it
 * begins is written together with the first reply.
 */
const moments: [message: string, times: number, begun: boolean][] = [
  ['A command was taken.', 1, false],
  ['A job was answered.', 1, false],
  ['A step starts.', 2, true],
  ['A step ended.', 2, true],
  ['A reply is written.', 4, true],
  ['A reply is sent.', 4, true],
  ['A command ended.', 1, true],
];

// Most of the time goes into starting processes.
suite('killed between two lines', { concurrency: 3 }, () => {
  for (const [message, times, begun] of moments) {
    for (let time = 1; time <= times; time += 1) killedAt(message, time, times, begun);
  }
});

function killedAt(message: string, time: number, times: number, begun: boolean): void {
  test(`killed at “${message}”, ${time} of ${times}`, { timeout: 20_000 }, async () => {
    const it = await enrol();
    try {
      const { server } = it;
      const mark = join(it.root, 'mark');
      const document = stepsDocument({
        one: { runCommand: [`echo one >> ${mark}`] },
        two: { runCommand: [`echo two >> ${mark}`] },
      });
      const agent = await startKillable(it, message, time);
      const died = once(agent, 'exit');
      const id = server.offer(document);
      assert.deepEqual(await died, [null, 'SIGKILL']);
      assert.equal(existsSync(join(it.root, 'jobs', id)) || server.endOf(id) !== undefined, true);

      await it.start();
      server.offer(document, { id });
      await server.until('it has ended', () => server.endOf(id) !== undefined);
      const settled = () => !readdirSync(join(it.root, 'jobs')).includes(id);
      await server.until('it is done with', settled);
      const ends = server.repliesTo(id).filter(({ content }) => isEnd(content));
      assert.equal(new Set(ends.map(({ id: reply }) => reply)).size, 1, 'one end');
      const ran = lines(mark);
      assert.ok(ran.filter((line) => line === 'one').length <= 1, 'the first step ran once');
      assert.ok(ran.filter((line) => line === 'two').length <= 1, 'the second step ran once');
      if (!begun) assert.deepEqual(ran, ['one', 'two'], 'what had not begun runs');
      const status = ends[0]!.content.documentStatus;
      // Success is told only of what ran; what isn't known to have run is no success.
      if (status === 'Success') assert.deepEqual(ran, ['one', 'two']);
      else assert.equal(status, 'Failed');
      if (status === 'Failed') {
        const said = JSON.stringify(server.repliesTo(id).map(({ content }) => content));
        assert.match(said, /agent was stopped or killed while this step ran/);
      }
    } finally {
      await it.remove();
    }
  });
}

test('killed while a step runs: its processes are killed by the next agent, the steps behind it run', {
  timeout: 20_000,
}, async () => {
  const it = await enrol();
  try {
    const { server } = it;
    const left = join(it.root, 'left');
    const document = stepsDocument({
      // Its children leave its group, and so survive whoever kills only that.
      long: { runCommand: [`setsid sh -c 'echo $$ > ${left}; sleep 300' & echo begun; sleep 300`] },
      next: { runCommand: ['echo next'] },
    });
    const agent = await startKillable(it);
    const id = server.offer(document);
    await server.until('it runs', () => lines(left).length === 1 && lines(left)[0] !== '');
    const died = once(agent, 'exit');
    agent.kill('SIGKILL');
    await died;
    assert.ok(existsSync(`/proc/${lines(left)[0]}`), 'what it started outlives the agent');
    await it.start();
    await server.until('it has ended', () => server.endOf(id) !== undefined);
    const state = () => {
      const path = `/proc/${lines(left)[0]}/stat`;
      return existsSync(path) ? readFileSync(path, 'utf8') : 'gone) Z';
    };
    assert.match(state(), /\) Z/);
    const told = Object.fromEntries(
      server.repliesTo(id).flatMap(({ content }) => Object.entries(content.runtimeStatus ?? {})),
    );
    assert.deepEqual([told.long?.status, told.next?.status], ['Failed', 'Success']);
    assert.match(told.long?.standardError ?? '', /not run again/);
  } finally {
    await it.remove();
  }
});
