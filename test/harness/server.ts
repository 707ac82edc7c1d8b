/**
 * A real Rollcall server for a test: a process of its own (`startServer`), in a folder of its own, on a port
 * of its own. Commands and tests reach it as anybody would: over TLS, signed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ApiClient, openApiClient } from './api-client.ts';

const root = resolve(import.meta.dirname, '../..');

/** What a started server is known by. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly data: string;
  /** PEM. */
  readonly ca: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Signed calls, as the administrator. */
  readonly admin: ApiClient;
  readonly process: ChildProcess;
  /** What it has written to standard error so far. */
  log(): string;
  /** Asks it to stop, and waits; answers the exit code. */
  stop(): Promise<number | null>;
  /** `kill -9`, and waits. */
  kill(): Promise<void>;
  /** Deletes the folder; stop it first. */
  remove(): void;
}

/** How to start it. */
export interface TestServerOptions {
  /** Use this folder instead of a new one. */
  readonly data?: string;
  readonly port?: number;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds to wait until it is ready. */
  readonly timeout?: number;
}

/** A port that is free at this moment. */
export function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

/** Starts a server and waits until it answers calls. Rejects with what it said when it doesn't. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const data = options.data ?? join(mkdtempSync(join(tmpdir(), 'rollcall-test-')), 'data');
  const port = options.port ?? (await freePort());
  const flags = [
    '--listen',
    `localhost:${port}`,
    '--data',
    data,
    '--metrics',
    'off',
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [join(root, 'packages/cli/src/main.js'), 'up', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
  });
  let said = '';
  let up = false;
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  await new Promise<void>((ready, failed) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed(new Error(`the server wasn't ready in time:\n${said}`));
    }, options.timeout ?? 15_000);
    const look = (chunk: Buffer) => {
      said = (said + chunk).slice(-200_000);
      if (!up && / is up\./.test(said)) {
        up = true;
        clearTimeout(timer);
        ready();
      }
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    void ended.then((code) => {
      clearTimeout(timer);
      if (!up) failed(new Error(`the server ended with ${code}:\n${said}`));
    });
  });
  const connection = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8')) as {
    url: string;
    region: string;
    accessKeyId: string;
    secretAccessKey: string;
  };
  const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
  const { url, region, accessKeyId, secretAccessKey } = connection;
  const admin = openApiClient({ url, ca, region, credentials: { accessKeyId, secretAccessKey } });
  const finish = async (signal: NodeJS.Signals) => {
    admin.close();
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return ended;
  };
  return {
    url,
    port,
    data,
    ca,
    credentials: { accessKeyId, secretAccessKey },
    admin,
    process: child,
    log: () => said,
    stop: () => finish('SIGTERM'),
    async kill() {
      await finish('SIGKILL');
    },
    remove: () => rmSync(resolve(data, '..'), { recursive: true, force: true }),
  };
}
