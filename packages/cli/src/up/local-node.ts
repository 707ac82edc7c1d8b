/**
 * This machine as a node of its own server: enrolled through the same API as any other, with an agent that is
 * a child process and keeps everything in the data folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from '@rollcall/agent';
import { type Client, withClient } from '../client.ts';
import type { Connection } from '../context.ts';
import type { Io } from '../io.ts';
import { findInformation, nodeRole } from '../nodes.ts';

/** The node, once it was given the time to report in. */
export interface LocalNode {
  readonly nodeId: string;
  readonly name: string;
  /** As in the list; `not in the list` when it was deregistered. */
  readonly status: string;
  /** True when this start enrolled it. */
  readonly enrolled: boolean;
  /** Asks the agent to end and waits for it. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** How long the first heartbeat may take before the start is reported without it. */
const patience = 5000;
/** How long an activation is good for that is used within the second. */
const validity = 15 * 60_000;

/**
 * Enrols this machine if need be, starts its agent, and waits until it is in the list.
 * `url` is how the node is to reach the server.
 */
export async function startLocalNode(
  connection: Connection & { data: string },
  url: string,
  io: Io,
): Promise<LocalNode> {
  const root = path.join(connection.data, 'agent');
  return withClient(connection, async (client) => {
    const { nodeId, enrolled } = await enrol(client, url, root, io);
    const since = io.now();
    const agent = await superviseAgent(root, io);
    try {
      const status = await waitForList(client, nodeId, since, io);
      return { nodeId, name: os.hostname(), status, enrolled, stop: agent.stop, kill: agent.kill };
    } catch (error) {
      await agent.stop();
      throw error;
    }
  });
}

interface Enrolment {
  readonly nodeId: string;
  readonly enrolled: boolean;
}

async function enrol(client: Client, url: string, root: string, io: Io): Promise<Enrolment> {
  const agent = await import('@rollcall/agent');
  const known = agent.readStatus(root);
  if (known) {
    // The agent's folder is in this server's own, so the server is the one that it knows, whatever its address.
    agent.followServer(root, url);
    return { nodeId: known.nodeId, enrolled: false };
  }
  const { connection } = client;
  const activation = await client.call<{ ActivationId: string; ActivationCode: string }>(
    'ssm',
    'CreateActivation',
    {
      Description: 'the machine that the server runs on',
      DefaultInstanceName: os.hostname().slice(0, 256),
      IamRole: nodeRole,
      RegistrationLimit: 1,
      ExpirationDate: Math.round((io.now() + validity) / 1000),
    },
  );
  const { ActivationId } = activation;
  const { nodeId, result } = await agent.register({
    serverUrl: url,
    activationId: ActivationId,
    activationCode: activation.ActivationCode,
    region: connection.region,
    root,
    ca:
      connection.caFile && existsSync(connection.caFile)
        ? readFileSync(connection.caFile, 'utf8')
        : undefined,
  });
  if (result === 'already') await client.call('ssm', 'DeleteActivation', { ActivationId });
  // Beside a server that speaks for itself, only trouble is worth a line.
  else agent.saveConfig(root, { logLevel: 'warn' });
  return { nodeId, enrolled: result === 'registered' };
}

/**
 * Waits until the node has reported in since this start, or for as long as a start may take: a heartbeat of
 * before would still count as Online.
 */
async function waitForList(client: Client, nodeId: string, since: number, io: Io): Promise<string> {
  const until = io.now() + patience;
  for (;;) {
    const found = await findInformation(client, nodeId);
    const isFresh = found?.PingStatus === 'Online' && (found.LastPingDateTime ?? 0) * 1000 >= since;
    if (isFresh) return 'Online';
    if (io.now() > until)
      return found?.PingStatus === 'Online' ? 'no heartbeat yet' : (found?.PingStatus ?? 'not in the list');
    await sleep(50);
  }
}

/** Keeps an agent running: one that ends by itself is started again, a little later each time. */
async function superviseAgent(root: string, io: Io): Promise<{ stop(): Promise<void>; kill(): void }> {
  const { agentProcess } = await import('@rollcall/agent');
  const cache = path.join(io.root, 'node_modules/.cache/rollcall');
  let stopping = false;
  let delay = 1000;
  let timer: NodeJS.Timeout | undefined;
  let child: ChildProcess;
  const start = () => {
    child = spawnAgent(agentProcess({ root, cache }));
    const began = io.now();
    child.once('error', (error) => io.stderr.write(`The agent can't be started: ${error.message}\n`));
    child.once('exit', (code, signal) => {
      if (stopping) return;
      if (io.now() - began > 60_000) delay = 1000;
      io.stderr.write(
        `The agent of this machine ended (${signal ?? code}); it starts again in ${delay / 1000} s.\n`,
      );
      timer = setTimeout(start, delay);
      delay = Math.min(delay * 2, 60_000);
    });
  };
  start();
  const kill = () => {
    stopping = true;
    clearTimeout(timer);
    child.kill('SIGKILL');
  };
  return {
    kill,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const hurry = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(hurry);
    },
  };
}

function spawnAgent({ file, args, env }: AgentProcess): ChildProcess {
  // A session of its own: Ctrl-C is ours to pass on, in order. When we die, its channel to us closes, and it
  // ends as well.
  return spawn(file, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
}
