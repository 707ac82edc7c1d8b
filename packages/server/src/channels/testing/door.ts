/**
 * What the tests of this folder share: a bare HTTP server in front of the channels, with real sockets, and
 * a presence that keeps its rows in a map.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { type ManualClock, manualClock } from '../../clock.ts';
import type { Call } from '../../service/index.ts';
import { type Channels, type ChannelsDeps, openChannels, socketOptions } from '../index.ts';

export const region = 'us-east-1';
export const nodeId = 'mi-0123456789abcdef0';
const requestBody = JSON.stringify({
  MessageSchemaVersion: '1.0',
  RequestId: 'b1bb92cc-18eb-456e-8212-a0ea82cb9a7a',
});

/** A call that was proved to come from a node. */
export function callOf(node: string, more: Partial<Call> = {}): Call {
  return {
    id: 'c9b7a5f0-0000-4000-8000-000000000001',
    at: 0,
    region,
    account: '123456789012',
    principal: {
      kind: 'node',
      arn: `arn:aws:sts::123456789012:assumed-role/Nodes/${node}`,
      nodeId: node,
      region,
      by: 'credentials',
    },
    source: { address: '127.0.0.1', port: 1, userAgent: 'test' },
    operation: 'ssmmessages:CreateControlChannel',
    headers: { host: 'localhost:8443' },
    ...more,
  };
}

/** Presence as channels see it. */
export function memoryPresence() {
  const epochs = new Map<string, number>();
  const closed: { nodeId: string; epoch: number; by: string }[] = [];
  return {
    epochs,
    closed,
    async channelOpened(_region: string, node: string): Promise<number> {
      const epoch = (epochs.get(node) ?? 0) + 1;
      epochs.set(node, epoch);
      return epoch;
    },
    async channelClosed(_region: string, node: string, epoch: number, by: string): Promise<void> {
      closed.push({ nodeId: node, epoch, by });
    },
  };
}

/** The channels behind a bare server on loopback. */
export interface TestDoor {
  readonly channels: Channels;
  readonly clock: ManualClock;
  readonly presence: ReturnType<typeof memoryPresence>;
  /** A fresh token for the node. */
  token(node?: string): string;
  /** A websocket as that node, before its first frame. */
  dial(node?: string): Promise<WebSocket>;
  /** A websocket as that node, open in presence. */
  connect(node?: string): Promise<WebSocket>;
  close(): Promise<void>;
}

/** Opens the channels behind a bare server on loopback. */
export async function openTestDoor(deps: Partial<ChannelsDeps> = {}): Promise<TestDoor> {
  const clock = manualClock();
  const presence = memoryPresence();
  const channels = openChannels({ clock, presence, ...deps });
  const upgrades = new WebSocketServer(socketOptions);
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const node = request.url!.slice(1);
    upgrades.handleUpgrade(request, socket, head, (ws) => channels.accept(callOf(node), node, ws));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const token = (node = nodeId): string => {
    const answer = channels.createControlChannel(callOf(node), node, requestBody);
    return /<TokenValue>(.*)<\/TokenValue>/.exec(answer.body)![1]!;
  };
  const dial = async (node = nodeId): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${node}`, { perMessageDeflate: false });
    socket.on('error', () => undefined);
    await once(socket, 'open');
    return socket;
  };
  return {
    channels,
    clock,
    presence,
    token,
    dial,
    async connect(node = nodeId) {
      const before = channels.counts().opened;
      const socket = await dial(node);
      socket.send(helloText(token(node)));
      await until(() => channels.counts().opened > before && channels.isOpen(node));
      return socket;
    },
    async close() {
      await channels.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The first text frame, as agent 3.3.0.0 sends it. */
export function helloText(token: string): string {
  return JSON.stringify({
    Cookie: null,
    MessageSchemaVersion: '1.0',
    RequestId: 'f09b233c-4d99-41f3-9b3b-5f187be1607c',
    TokenValue: token,
    AgentVersion: '3.3.0.0',
    PlatformType: 'linux',
  });
}

/** Waits until something is so, which real sockets need; not for time to pass. */
export async function until(so: () => boolean, what = String(so)): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (so()) return;
    await new Promise((resolve) => setTimeout(resolve, turn < 50 ? 0 : 1));
  }
  throw new Error(`never came true: ${what}`);
}

/** The code that the server closed this socket with. */
export async function closeCode(socket: WebSocket): Promise<number> {
  if (socket.readyState === WebSocket.CLOSED) return (socket as unknown as { _closeCode: number })._closeCode;
  const [code] = await once(socket, 'close');
  return code as number;
}
