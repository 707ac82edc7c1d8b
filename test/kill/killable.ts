/** A server in a process of its own that dies at the moment that it is told. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';

/** When to die: at the commit in which the token is written. */
export type Moment = 'before-commit' | 'in-commit' | 'after-commit' | 'in-checkpoint' | 'answered';

/** What a server is told, once. */
export interface Order {
  /** Never `answered`: that is seen from outside. */
  readonly moment: Moment;
  /** A text among the values of the write that is meant. */
  readonly token: string;
  /** Microseconds from the beginning of a commit or checkpoint to the end of the process. */
  readonly delay: number;
}

/** What a server says when it is up. */
export interface Ready {
  /** Steps onto the disk that the start took. */
  readonly steps: number;
  readonly rules: readonly { readonly name: string; readonly changes: boolean }[];
}

/** A server that can be killed. */
export interface KillableServer extends Ready {
  readonly url: string;
  readonly ca: string;
  readonly region: string;
  readonly admin: ApiClient;
  /** Resolves when the process is gone; with its signal, or its code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
  /** Resolves when it has understood. */
  order(order: Order): Promise<void>;
  kill(): Promise<void>;
  log(): string;
}

/** The server ended before it was up. */
export class NotUp extends Error {
  readonly end: NodeJS.Signals | number | null;
  readonly log: string;

  constructor(end: NodeJS.Signals | number | null, log: string) {
    super(`the server ended with ${end} before it was up:\n${log}`);
    this.end = end;
    this.log = log;
  }
}

/** Starts one; rejects with `NotUp` when it ends before it is up. `step` is the step before which it dies. */
export async function startKillable(data: string, port: number, step?: number): Promise<KillableServer> {
  const child: ChildProcess = fork(
    join(import.meta.dirname, 'server-entry.ts'),
    [data, String(port), ...(step === undefined ? [] : [String(step)])],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] },
  );
  let said = '';
  const hear = (chunk: Buffer) => {
    said = (said + chunk).slice(-20_000);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const ended = new Promise<NodeJS.Signals | number | null>((done) => {
    child.once('close', (code, signal) => done(signal ?? code));
  });
  const ready = await new Promise<Ready>((done, failed) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.once('message', (message) => {
      clearTimeout(timer);
      done(message as Ready);
    });
    void ended.then((end) => {
      clearTimeout(timer);
      failed(new NotUp(end, said));
    });
  });
  const connection = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8')) as Connection;
  const ca = readFileSync(join(data, 'ca.crt'), 'utf8');
  const { url, region, accessKeyId, secretAccessKey } = connection;
  const admin = openApiClient({ url, ca, region, credentials: { accessKeyId, secretAccessKey } });
  void ended.then(() => admin.close());
  return {
    ...ready,
    url,
    ca,
    region,
    admin,
    ended,
    order: (order) =>
      new Promise((done) => {
        child.once('message', () => done());
        void ended.then(() => done());
        child.send(order);
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    log: () => said,
  };
}

interface Connection {
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
