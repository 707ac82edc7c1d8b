/**
 * This machine as a node of its own server: enrolled through the same API as any other, with an agent that is
 * a child process and keeps everything in the data folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, withClient } from '../client.ts';
import type { Connection } from '../context.ts';
import type { Io } from '../io.ts';
import { findInformation } from '../nodes.ts';

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

/** Enrols this machine if need be, starts its agent, and waits until it is in the list. */
export async function startLocalNode(connection: Connection & { data: string }, io: Io): Promise<LocalNode> {
  const root = path.join(connection.data, 'agent');
  return withClient(connection, async (client) => {
    const { nodeId, enrolled } = await enrol(client, root, io);
    const agent = superviseAgent(root, io);
    try {
      const status = await waitForList(client, nodeId, io);
      return { nodeId, name: os.hostname(), status, enrolled, stop: agent.stop, kill: agent.kill };
    } catch (error) {
      await agent.stop();
      throw error;
    }
  });
}

async function enrol(client: Client, root: string, io: Io): Promise<{ nodeId: string; enrolled: boolean }> {
  const agent = await import('@rollcall/agent');
  const { connection } = client;
  const known = agent.loadIdentity(root)?.identity;
  if (agent.isRegistered(known)) {
    // The server is the one of this folder, whatever it is called today: the node follows it.
    if (known.serverUrl !== connection.url) agent.saveIdentity(root, { ...known, serverUrl: connection.url });
    return { nodeId: known.nodeId, enrolled: false };
  }
  const activation = await client.call<{ ActivationId: string; ActivationCode: string }>(
    'ssm',
    'CreateActivation',
    {
      Description: 'the machine that the server runs on',
      DefaultInstanceName: os.hostname().slice(0, 256),
      IamRole: 'RollcallNode',
      RegistrationLimit: 1,
      ExpirationDate: Math.round((io.now() + validity) / 1000),
    },
  );
  const { nodeId } = await agent.register({
    serverUrl: connection.url,
    activationId: activation.ActivationId,
    activationCode: activation.ActivationCode,
    region: connection.region,
    root,
    ca:
      connection.caFile && existsSync(connection.caFile)
        ? readFileSync(connection.caFile, 'utf8')
        : undefined,
  });
  return { nodeId, enrolled: true };
}

/** Waits until the node is Online, or for as long as a start may take. */
async function waitForList(client: Client, nodeId: string, io: Io): Promise<string> {
  const until = io.now() + patience;
  for (;;) {
    const found = await findInformation(client, nodeId);
    if (found?.PingStatus === 'Online' || io.now() > until) return found?.PingStatus ?? 'not in the list';
    await sleep(50);
  }
}

/** Keeps an agent running: one that ends by itself is started again, a little later each time. */
function superviseAgent(root: string, io: Io): { stop(): Promise<void>; kill(): void } {
  let stopping = false;
  let delay = 1000;
  let timer: NodeJS.Timeout | undefined;
  let child: ChildProcess;
  const start = () => {
    child = spawnAgent(root);
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

function spawnAgent(root: string): ChildProcess {
  const program = path.join(path.dirname(fileURLToPath(import.meta.resolve('@rollcall/agent'))), 'run.ts');
  // A session of its own: Ctrl-C is ours to pass on, in order. When we die, its channel to us closes, and it
  // ends as well.
  return spawn(process.execPath, [program, '--root', root], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  });
}
