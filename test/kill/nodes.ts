/** Nodes for the kill suite: what one says to the server, call by call, over connections of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { signWithKeyPair } from '@rollcall/wire';
import { type AgentCalls, openAgentCalls, type SimulatedAgent } from '../harness/agent-calls.ts';
import type { KeyPool } from '../harness/key-pool.ts';
import { CallError, openTransport } from '../harness/transport.ts';
import type { KillableServer } from './killable.ts';

/** Where activations come from and how nodes reach the server that runs now. */
export interface NodeCalls {
  /** Registers a new node with the activation. */
  register(agent: SimulatedAgent, activation: Activation): Promise<void>;
  readonly calls: AgentCalls;
  /** Puts the key of that number in the place of the node's own. */
  changeKey(agent: SimulatedAgent, number: number): Promise<void>;
  /** Opens a control channel; resolves when the server says that it is open. */
  openChannel(agent: SimulatedAgent): Promise<void>;
  /** Closes it; resolves when the server says so. */
  closeChannel(agent: SimulatedAgent): Promise<void>;
  close(): void;
}

/** An activation's two halves. */
export interface Activation {
  readonly id: string;
  readonly code: string;
}

/** Opens the calls of nodes to a server. */
export function openNodeCalls(server: KillableServer, keys: KeyPool): NodeCalls {
  const { url, ca, region } = server;
  const transport = openTransport({ url, ca, connections: 8 });
  const callsWith = (activation: Activation) =>
    openAgentCalls(
      { url, region, activation, keys, agentName: 'amazon-ssm-agent', agentVersion: '3.3.0.0' },
      transport,
    );
  const calls = callsWith({ id: '', code: '' });
  const sockets = new Set<{ terminate(): void }>();

  async function status(nodeId: string, wanted: string): Promise<void> {
    for (let tries = 0; tries < 400; tries += 1) {
      const answer = await server.admin.ask('ssm:GetConnectionStatus', { Target: nodeId });
      if (answer.Status === wanted) return;
      await sleep(10);
    }
    throw new Error(`${nodeId} isn't ${wanted} after four seconds`);
  }

  return {
    calls,
    register: (agent, activation) => callsWith(activation).register(agent),
    async changeKey(agent, number) {
      const body = JSON.stringify({ NewPublicKey: keys.publicKey(number), NewPublicKeyType: 'Rsa' });
      const headers = signWithKeyPair({
        method: 'POST',
        url: `${url}/`,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'AmazonSSM.UpdateManagedInstancePublicKey',
        },
        body,
        region,
        service: 'ssm',
        at: Date.now(),
        nodeId: agent.nodeId,
        privateKey: keys.privateKey(agent.number),
      });
      const answer = await transport.post({ path: '/', headers, body });
      if (answer.status !== 200) throw new CallError(answer.body, answer.status);
    },
    async openChannel(agent) {
      const token = await calls.createControlChannel(agent);
      const socket = calls.dialControlChannel(agent);
      sockets.add(socket);
      await new Promise<void>((done, failed) => {
        socket.once('open', () => done());
        socket.on('error', failed);
      });
      agent.socket = socket;
      socket.send(calls.hello(token));
      await status(agent.nodeId, 'connected');
    },
    async closeChannel(agent) {
      agent.socket?.close();
      await status(agent.nodeId, 'notconnected');
    },
    close() {
      for (const socket of sockets) socket.terminate();
      transport.close();
    },
  };
}
