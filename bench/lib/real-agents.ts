/** Our own agents, as many processes as nodes, beside a server of the product. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentProcess, register, warmAgentCache } from '@rollcall/agent';
import type { TestServer } from '../../test/harness/server.ts';
import { region } from './books.ts';

/** Agents that run. */
export interface RealAgents {
  readonly nodeIds: readonly string[];
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Registers so many nodes below `folder`, starts their agents, and waits until all channels are open. */
export async function startRealAgents(
  server: TestServer,
  folder: string,
  count: number,
): Promise<RealAgents> {
  const { ActivationId: activationId, ActivationCode: activationCode } = await server.admin.ask(
    'ssm:CreateActivation',
    { IamRole: 'RollcallManagedNode', RegistrationLimit: count },
  );
  const cache = join(folder, 'cache');
  await warmAgentCache(cache);
  const nodeIds: string[] = [];
  const children: ChildProcess[] = [];
  for (let index = 0; index < count; index++) {
    const root = join(folder, `node-${index}`);
    const { ca, url: serverUrl } = server;
    const { nodeId } = await register({ serverUrl, activationId, activationCode, region, root, ca });
    nodeIds.push(nodeId);
    // They end with this process, however it ends.
    const { file, args, env } = agentProcess({ root, cache, child: true });
    children.push(spawn(file, args, { env, stdio: ['pipe', 'ignore', 'ignore'] }));
  }
  const stop = async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((done) => child.once('exit', done));
        child.kill('SIGTERM');
        await ended;
      }),
    );
  };
  try {
    for (const nodeId of nodeIds) await connected(server, nodeId);
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodeIds, pids: children.map((child) => child.pid!), stop };
}

async function connected(server: TestServer, nodeId: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { Status } = await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
    if (Status === 'connected') return;
    await sleep(50);
  }
  throw new Error(`The agent of ${nodeId} did not connect.`);
}
