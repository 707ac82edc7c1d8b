/** Agents beside a test's server: processes of their own, as on machines of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentProcess, register } from '@rollcall/agent';
import type { TestServer } from '../../../../test/harness/server.ts';
import { rollcall } from './io.ts';

/** A node whose agent runs. */
export interface TestNode {
  readonly nodeId: string;
  /** Ends the agent, and waits. */
  stop(): Promise<void>;
  /** Starts it again. */
  start(): void;
  /** Deletes its folder; stop it first. */
  remove(): void;
}

/** Registers a node, starts its agent, and waits until it is Online with its channel open. */
export async function startNode(server: TestServer, name: string, tags = ''): Promise<TestNode> {
  const root = mkdtempSync(path.join(tmpdir(), 'rollcall-node-'));
  const nodeId = await registerNode(server, name, tags, root);
  let child: ChildProcess | undefined;
  const node: TestNode = {
    nodeId,
    start() {
      const { file, args, env } = agentProcess({ root });
      child = spawn(file, args, { env, stdio: 'ignore' });
    },
    async stop() {
      const ended = child && new Promise((resolve) => child?.once('exit', resolve));
      child?.kill('SIGTERM');
      await ended;
      child = undefined;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  node.start();
  const waited = await rollcall(['wait', nodeId], { env: { ROLLCALL_DATA: server.data } });
  if (waited.code !== 0) throw new Error(waited.out + waited.err);
  return node;
}

/** Registers a node without an agent: it stays away. */
export async function registerNode(
  server: TestServer,
  name: string,
  tags = '',
  root = mkdtempSync(path.join(tmpdir(), 'rollcall-node-')),
): Promise<string> {
  const flags = ['--name', name, ...(tags ? ['--tags', tags] : []), '--json', '--data', server.data];
  const made = JSON.parse((await rollcall(['activation', 'create', ...flags])).out);
  const { nodeId } = await register({
    serverUrl: server.url,
    activationId: made.ActivationId,
    activationCode: made.ActivationCode,
    region: 'us-east-1',
    root,
    ca: server.ca,
  });
  return nodeId;
}
