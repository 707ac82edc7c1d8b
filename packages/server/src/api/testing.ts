/** The door over plain HTTP, without the rooms behind it, for the tests of this folder. */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { manualClock } from '../clock.ts';
import type { Identity } from '../identity/index.ts';
import type { Knock } from '../knocks/index.ts';
import type { AnyOperation } from '../service/index.ts';
import { type ApiDeps, openApi } from './index.ts';
import { openMetrics } from './metrics.ts';
import { openThrottle } from './throttle.ts';

/** What a test decides. */
export interface TestApiOptions {
  /** How often an address and a principal may ask before they are throttled; 1,000 when left out. */
  readonly burst?: number;
  /** Where one client after another comes from. */
  readonly addresses?: readonly string[];
  readonly authenticate: Identity['authenticate'];
  readonly operations: readonly AnyOperation[];
}

/** Opens it until the test ends. Whoever is authenticated may do everything. */
export async function openTestApi(t: TestContext, options: TestApiOptions) {
  const { addresses = ['192.0.2.1'], authenticate, operations } = options;
  const clock = manualClock();
  const throttle = () => openThrottle(clock, { burst: options.burst ?? 1_000, perSecond: 1 });
  const logged: object[] = [];
  const knocks: Knock[] = [];
  const vouchedFor: Socket[] = [];
  let next = 0;
  const api = openApi({
    clock,
    account: '123456789012',
    regions: ['us-east-1'],
    version: '0',
    identity: { authenticate, decide: async () => ({ allowed: true, reason: '' }) },
    audit: { refused() {} },
    knocks: { note: (knock) => void knocks.push(knock) },
    channels: {} as ApiDeps['channels'],
    principals: throttle(),
    sources: throttle(),
    forgeries: throttle(),
    metrics: openMetrics(),
    log: { warn: (fields) => logged.push(fields), error: (fields) => logged.push(fields) },
    crowded: () => false,
    vouchFor: (socket) => void vouchedFor.push(socket),
    nodeHeaders: () => undefined,
    sourceOf: () => ({ address: addresses[next++ % addresses.length]!, port: 1 }),
    ready: async () => undefined,
    pages: new Map(),
    operations,
  });
  const sockets: Socket[] = [];
  const server = createServer(api.request).on('upgrade', api.upgrade).listen(0, '127.0.0.1');
  server.on('connection', (socket) => sockets.push(socket));
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = '') =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const call = request({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      call.on('error', reject).end(body);
    });
  return { ask, port, logged, knocks, vouchedFor, sockets, clock };
}
