/**
 * A real server for one fault: all of it, in this process, so that its clock can be turned on and thirty days
 * pass at once. It listens on this machine and believes the PROXY header of the middle.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningServer, up } from '../../packages/server/src/main.ts';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';
import { freePort } from '../harness/server.ts';
import { openTurnedClock, type TurnedClock } from '../kill/turned-clock.ts';

/** A server that can be stopped and started again on the same books. */
export interface ZooServer {
  readonly port: number;
  readonly data: string;
  readonly region: string;
  /** The server's time. */
  readonly clock: TurnedClock;
  /** Lets so much time pass for the server: all that it does meanwhile is done, its lease renewed. */
  pass(ms: number): Promise<void>;
  /** The CA (PEM) that vouches for it now. */
  ca(): string;
  readonly regions: readonly string[];
  /** Signed calls as the administrator. */
  admin(region?: string): ApiClient;
  /** Signed calls as somebody else. */
  as(credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }): ApiClient;
  /** Arranges what stands in the books, as if it had come about long ago. */
  books(work: (books: DatabaseSync) => void): void;
  stop(): Promise<void>;
  /** Starts it again; with other flags where those are given. */
  start(options?: Partial<ServerOptions>): Promise<void>;
  close(): Promise<void>;
}

/** How it is started. */
export interface ServerOptions {
  readonly data: string;
  /** Beside its own on this machine. */
  readonly publicUrls: readonly string[];
  readonly regions: readonly string[];
  /** Milliseconds by which its clock is ahead. */
  readonly ahead: number;
  /** Start although so many nodes would be cut off. */
  readonly cutOffNodes?: number;
  /** What whoever asks the server trusts besides what it shows. PEM. */
  readonly askersTrust?: string;
  /** A certificate and a key of one's own: files. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Shorter than a lease, so that the server never seems to have been away. */
const step = 8_000;

/** Starts one. */
export async function openServer(given: ServerOptions): Promise<ZooServer> {
  const port = await freePort();
  const clock = openTurnedClock(given.ahead);
  const clients = new Map<string, ApiClient>();
  let options = given;
  let running: RunningServer | undefined;

  const start = async (changed: Partial<ServerOptions> = {}) => {
    options = { ...options, ...changed };
    // What is trusted may be another by now.
    for (const client of clients.values()) client.close();
    clients.clear();
    const { data, regions } = options;
    const publicUrls = [`https://localhost:${port}`, ...options.publicUrls];
    running = await up(
      {
        listen: { host: '127.0.0.1', port },
        publicUrls,
        data,
        regions,
        account: '000000000000',
        store: { kind: 'sqlite' },
        metrics: 'off',
        proxyProtocol: ['127.0.0.1/32'],
        logLevel: 'silent',
        successorCa: false,
        ...(options.tlsCert !== undefined && { tlsCert: options.tlsCert }),
        ...(options.tlsKey !== undefined && { tlsKey: options.tlsKey }),
        ...(options.cutOffNodes !== undefined && { cutOffNodes: options.cutOffNodes }),
      },
      { clock },
    );
  };
  const stop = async () => {
    const stopping = running;
    running = undefined;
    await stopping?.stop();
  };
  const clientOf = (
    region: string,
    credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  ): ApiClient => {
    const known = clients.get(`${region} ${credentials.accessKeyId}`);
    if (known) return known;
    const client = openApiClient({
      url: `https://localhost:${port}`,
      ca: `${read('ca.crt')}${options.tlsCert === undefined ? '' : readFileSync(options.tlsCert, 'utf8')}${options.askersTrust ?? ''}`,
      region,
      credentials,
      // Whoever asks has the server's time: their own clocks are nobody's subject here.
      now: () => clock.now(),
    });
    clients.set(`${region} ${credentials.accessKeyId}`, client);
    return client;
  };
  const read = (name: string) => readFileSync(join(options.data, name), 'utf8');
  await start();
  return {
    port,
    data: given.data,
    region: given.regions[0]!,
    clock,
    ca: () => read('ca.crt'),
    regions: given.regions,
    admin(region = given.regions[0]!) {
      const { accessKeyId, secretAccessKey } = JSON.parse(read('connection.json'));
      return clientOf(region, { accessKeyId, secretAccessKey });
    },
    as: (credentials) => clientOf(given.regions[0]!, credentials),
    async pass(ms) {
      for (let left = ms; left > 0; left -= step) {
        clock.turn(Math.min(step, left));
        await sleep(20);
      }
    },
    books(work) {
      const books = new DatabaseSync(join(given.data, 'rollcall.db'), { timeout: 5000 });
      try {
        work(books);
      } finally {
        books.close();
      }
    },
    stop,
    start,
    async close() {
      for (const client of clients.values()) client.close();
      await stop();
    },
  };
}
