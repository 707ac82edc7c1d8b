/**
 * Our agent, killed with `kill -9` again and again at any moment while it runs commands: none runs twice, each has
 * one end, and what isn't known to have run is no success.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { enrol, isEnd, stepsDocument } from '../../packages/agent/src/testing/enrolled.ts';
import { seeded } from '../kill/seeded.ts';

const agentProcess = join(import.meta.dirname, '../../packages/agent/src/testing/killable-agent.ts');
const kills = 60;
const commandsEach = 4;

test(`${kills} kills: each command at most once, each with one end`, async () => {
  const it = await enrol();
  const seed = Date.now();
  const random = seeded(seed);
  console.log(`seed ${seed}`);
  const mark = join(it.root, 'mark');
  writeFileSync(mark, '');
  const document = stepsDocument({
    a: { runCommand: [`echo $SSM_COMMAND_ID a >> ${mark}`, 'sleep 0.0$(($$ % 5))'] },
    b: { runCommand: [`echo $SSM_COMMAND_ID b >> ${mark}`, 'sleep 0.0$(($$ % 5))'] },
    c: { runCommand: [`echo $SSM_COMMAND_ID c >> ${mark}`] },
  });
  const { server } = it;
  const ids: string[] = [];
  /** What a server does that didn't hear whether a command was taken. */
  const offerAgain = () => {
    for (const id of ids) if (server.answersTo(id).length === 0) server.offer(document, { id });
  };
  let agent: ChildProcess | undefined;
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      const before = server.hellos.length;
      agent = spawn(process.execPath, [agentProcess, it.root, 'never', '1'], { stdio: 'inherit' });
      const died = once(agent, 'exit');
      // Every few times it is killed before it has connected.
      if (random(4) > 0) await server.until('it is connected', () => server.hellos.length > before);
      offerAgain();
      for (let number = 0; number < commandsEach; number += 1) {
        if (server.sockets.size > 0) ids.push(server.offer(document));
      }
      await sleep(random(250));
      agent.kill('SIGKILL');
      await died;
      await server.until('its channel is gone', () => server.sockets.size === 0);
    }
    await it.start();
    const waitFor = async (what: string, holds: () => boolean) => {
      for (const until = Date.now() + 60_000; !holds(); await sleep(20)) assert.ok(Date.now() < until, what);
    };
    offerAgain();
    await waitFor('all have ended', () => ids.every((id) => server.endOf(id) !== undefined));
    await waitFor(
      'all are done with',
      () => !readdirSync(join(it.root, 'jobs')).some((name) => ids.includes(name)),
    );

    const ran = readFileSync(mark, 'utf8').trim().split('\n');
    assert.equal(new Set(ran).size, ran.length, 'nothing ran twice');
    const statuses: Record<string, number> = {};
    for (const id of ids) {
      const ends = server.repliesTo(id).filter(({ content }) => isEnd(content));
      assert.equal(new Set(ends.map((reply) => reply.id)).size, 1, `${id} has one end`);
      const status = ends[0]!.content.documentStatus;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status !== 'Success') continue;
      for (const step of 'abc') assert.ok(ran.includes(`${id} ${step}`), `${id} ${step} ran`);
    }
    assert.ok((statuses.Success ?? 0) > 0 && (statuses.Failed ?? 0) > 0, JSON.stringify(statuses));
    console.log(`${kills} kills, ${ids.length} commands: ${JSON.stringify(statuses)}`);
  } finally {
    agent?.kill('SIGKILL');
    await it.remove();
  }
});
