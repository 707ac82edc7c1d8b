/** A server and the node beside it, started, stopped and killed as a person or a power cut does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startServer } from '../../../../test/harness/server.ts';
import { flat, rollcall } from '../testing/io.ts';

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** Waits for what must come soon. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (condition()) return;
    await sleep(50);
  }
  assert.fail(what);
}

test('the first start enrols this machine and says all, the next one finds it again', async () => {
  const port = await freePort();
  const start = { port, flags: ['--local-node'], env: { LANG: 'C.UTF-8' } };
  const first = await startServer(start);
  const { data } = first;
  const agentPid = () => JSON.parse(readFileSync(path.join(data, 'agent/status.json'), 'utf8')).pid as number;
  try {
    await until(() => /--public-url/.test(first.log()), 'the last line');
    const said = first.log();
    assert.match(said, /^Rollcall \S+ is up\. +Ctrl-C stops it$/m);
    const [, nodeId = ''] = /^This node {2}(mi-[0-9a-f]{17}) .* Online$/m.exec(said) ?? [];
    assert.notEqual(nodeId, '', said);
    assert.match(
      said,
      /^Try it\n.* nodes --data \S+\n.* run --data \S+ -- uname -a\n.* aws --data \S+ ssm describe-instance-information$/m,
    );
    // The line that lets others join starts this server, not another one in another folder.
    const joined = said.replaceAll(/ \\\n +/g, ' ');
    assert.match(joined, /^ {2}npm start -- --data \S+ --public-url https:\/\/\S+ --metrics off$/m);
    assert.equal(/ --data (\S+) --public-url/.exec(joined)?.[1], data);
    const running = agentPid();
    assert.equal(await first.stop(), 0);
    assert.equal(isAlive(running), false);
    assert.equal(first.log(), said, 'a clean stop says nothing');
    const alone = await rollcall(['nodes', '--data', data]);
    assert.equal(alone.code, 2);
    const again = `rollcall up --data ${data} --listen localhost:${port} --metrics off --local-node`;
    assert.ok(flat(alone.err).includes(`Start it: ${again}`), alone.err);

    const second = await startServer({ ...start, data });
    await until(() => /This node/.test(second.log()), 'the node');
    await sleep(100);
    assert.match(second.log(), new RegExp(`^This node {2}${nodeId} .* Online$`, 'm'));
    assert.doesNotMatch(second.log(), /Try it/);
    const activations = await rollcall(['activation', 'list', '--data', data]);
    assert.match(activations.out, /^1 of 1 activation/m);

    // The agent of a server that was killed ends as well, and the next start finds nothing in its way.
    const orphan = agentPid();
    await second.kill();
    await until(() => !isAlive(orphan), 'the agent ends with its server');
    const third = await startServer({ ...start, data });
    await until(() => /This node/.test(third.log()), 'the node');
    assert.match(third.log(), new RegExp(`${nodeId} .* Online$`, 'm'));
    third.process.kill('SIGINT');
    assert.equal(await third.stop(), 0);

    // At another port it is the same server: its own node goes there with it.
    const moved = await startServer({ ...start, data, port: await freePort() });
    await until(() => /This node/.test(moved.log()), 'the node');
    const status = () => JSON.parse(readFileSync(path.join(data, 'agent/status.json'), 'utf8'));
    await until(() => status().state === 'connected', 'the agent reaches the server where it is now');
    assert.equal(status().serverUrl, `https://localhost:${moved.port}`);
    assert.match(moved.log(), new RegExp(`${nodeId} .* Online$`, 'm'));
    const created = (await rollcall(['activation', 'create', '--data', data])).out.replaceAll(
      / \\\n +/g,
      ' ',
    );
    assert.ok(created.includes(`npm start -- --data ${data} --public-url https://`), created);
    assert.equal(await moved.stop(), 0);
  } finally {
    first.remove();
  }
});

test('a wrong value and a taken port are one line and exit 2', async () => {
  const main = path.join(import.meta.dirname, '../main.js');
  const up = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'up', ...args], { encoding: 'utf8', env: {} });
  const wrong = up('--listen', 'nowhere');
  assert.equal(wrong.status, 2);
  assert.match(flat(wrong.stderr), /^--listen is "nowhere"; .*$/);
  const running = await startServer();
  try {
    const taken = up(
      '--listen',
      `localhost:${running.port}`,
      '--data',
      `${running.data}-other`,
      '--metrics',
      'off',
    );
    assert.equal(taken.status, 2);
    assert.match(flat(taken.stderr), /^Port \d+ is taken .*--listen\.$/);
    const twice = up('--listen', `localhost:${running.port}`, '--data', running.data, '--metrics', 'off');
    assert.equal(twice.status, 2);
    assert.match(
      flat(twice.stderr),
      new RegExp(`^Your server runs already.*\\bkill ${running.process.pid}$`),
    );
    const inUse = up('--listen', `localhost:${await freePort()}`, '--data', running.data, '--metrics', 'off');
    assert.equal(inUse.status, 2);
    assert.match(flat(inUse.stderr), /in use by/);
  } finally {
    await running.stop();
    running.remove();
  }
});
