/**
 * Our agent, killed with `kill -9` again and again while it registers and while it lives: one machine stays one
 * node, uses up one registration, and always comes back.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer, type TestServer } from '../harness/server.ts';
import { seeded } from '../kill/seeded.ts';

const machines = 2;
const alive = new Set<ChildProcess>();
/** Of each machine. */
const kills = { registering: 6, living: 5 };

test('an agent that is killed at any moment is the same node again, and Online', async () => {
  const server = await startServer();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-agent-kill-'));
  try {
    const made = await server.admin.ask('ssm:CreateActivation', { IamRole: 'Nodes', RegistrationLimit: 100 });
    const random = seeded(Date.now());
    const lives = Array.from({ length: machines }, (_, number) =>
      life(server, join(folder, String(number)), made, random),
    );
    const nodes = await Promise.all(lives);
    console.log(
      `${machines} machines, ${machines * (kills.registering + kills.living)} kills, ${nodes.length} nodes`,
    );
    assert.equal(new Set(nodes).size, machines);
    const progress = await server.admin.ask('rollcall:GetActivationProgress', {
      ActivationId: made.ActivationId,
    });
    assert.equal(progress.Registered, machines, 'each machine uses one registration');
    const { InstanceInformationList } = await server.admin.ask('ssm:DescribeInstanceInformation');
    assert.equal(InstanceInformationList.length, machines);
  } finally {
    for (const agent of alive) agent.kill('SIGKILL');
    await server.stop();
    server.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** One machine's life; answers its node id. */
async function life(
  server: TestServer,
  root: string,
  activation: { ActivationId: string; ActivationCode: string },
  random: (limit: number) => number,
): Promise<string> {
  const start = () => {
    const flags = [
      server.url,
      join(server.data, 'ca.crt'),
      activation.ActivationId,
      activation.ActivationCode,
    ];
    const agent = spawn(
      process.execPath,
      [join(import.meta.dirname, 'agent-process.ts'), ...flags, '--root', root],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env.PATH },
      },
    );
    alive.add(agent);
    agent.once('exit', () => alive.delete(agent));
    return agent;
  };
  for (let number = 0; number < kills.registering; number += 1) {
    const agent = start();
    await sleep(250 + random(700));
    await kill(agent);
  }
  let nodeId: string | undefined;
  for (let number = 0; number <= kills.living; number += 1) {
    const began = Date.now();
    const agent = start();
    const log: string[] = [];
    agent.stderr?.on('data', (chunk) => log.push(String(chunk)));
    const found = await online(server, root, began, log);
    nodeId ??= found;
    assert.equal(found, nodeId, 'it became another node');
    await sleep(random(300));
    await kill(agent);
  }
  return nodeId!;
}

async function kill(agent: ChildProcess): Promise<void> {
  const ended = new Promise((done) => agent.once('exit', done));
  if (agent.exitCode !== null) return;
  agent.kill('SIGKILL');
  await ended;
}

/** Waits until the node of this folder has been heard since `began`, with an open channel; answers its id. */
async function online(server: TestServer, root: string, began: number, log: string[]): Promise<string> {
  const { loadIdentity } = await import('../../packages/agent/src/identity.ts');
  for (;;) {
    const nodeId = loadIdentity(root)?.identity.nodeId;
    if (nodeId !== undefined) {
      const { InstanceInformationList: list } = await server.admin.ask('ssm:DescribeInstanceInformation', {
        Filters: [{ Key: 'InstanceIds', Values: [nodeId] }],
      });
      const channel = await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
      const node = list[0];
      const heard = (node?.LastPingDateTime ?? 0) * 1000 >= began;
      if (heard && node.PingStatus === 'Online' && channel.Status === 'connected') return nodeId;
    }
    if (Date.now() - began > 15_000) throw new Error(`it isn't back after 15 seconds:\n${log.join('')}`);
    await sleep(50);
  }
}
