/**
 * A machine that is this one: its agent is a process here, with a folder and a way to the server of its own.
 * Enough for whatever isn't in the machine's own network or files.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { collectNode } from '@rollcall/probes';
import { agentProcess } from '../../../packages/agent/src/process.ts';
import { openForwarder } from '../middle/forwarder.ts';
import type { ZooServer } from '../server.ts';
import { registerNode, type Started, startProcess } from './agent.ts';
import type { Node } from './node.ts';
import { becomesOnline } from './online.ts';

/** What it is made of. */
export interface HereOptions {
  readonly server: ZooServer;
  readonly folder: string;
  readonly cache: string;
  readonly number: number;
  /** Where the server is told that it comes from. */
  readonly address?: string;
}

/** Makes one; its agent isn't registered yet. */
export async function openHere(options: HereOptions): Promise<Node> {
  const { server, number } = options;
  const address = options.address ?? `10.50.0.${number}`;
  const root = join(options.folder, `node-${number}`);
  const way = await openForwarder({ target: server.port, source: address });
  const serverUrl = `https://localhost:${way.port}`;
  let nodeId = '';
  let agent: Started | undefined;

  const node: Node = {
    name: `node-${number}`,
    address,
    root,
    serverUrl,
    way,
    get nodeId() {
      return nodeId;
    },
    async register(given = {}) {
      nodeId = await registerNode(server, root, serverUrl, given);
    },
    async start({ online = true, env = {}, user } = {}) {
      const began = server.clock.now();
      const { file, args, env: own } = agentProcess({ root, cache: options.cache });
      agent = startProcess(file, args, {
        env: { ...own, ...env },
        ...(user !== undefined && { uid: user }),
      });
      if (online) await becomesOnline(server, nodeId, began, agent);
    },
    async stop() {
      agent?.child.kill('SIGTERM');
      await agent?.ended;
    },
    signal: (signal) => void agent?.child.kill(signal),
    running: () => agent !== undefined && agent.child.exitCode === null && agent.child.signalCode === null,
    log: () => agent?.said() ?? '',
    look: (more = {}) => collectNode({ root, environment: { PATH: process.env.PATH }, ...more }),
    async close() {
      agent?.child.kill('SIGKILL');
      await agent?.ended;
      await way.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return node;
}
