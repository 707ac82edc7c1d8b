/** A server in a process of its own that dies at the moment that it is told. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, openApiClient } from '../harness/api-client.ts';
import type { RowChange } from './watch-rows.ts';

/** When to die, counted from the commit of the write that is meant; `soon` is after what it sets off began. */
export type Moment = 'before-commit' | 'in-commit' | 'after-commit' | 'in-checkpoint' | 'soon' | 'answered';

/** What a server is told, once. */
export interface Order {
  /** Never `answered`: that is seen from outside. */
  readonly moment: Moment;
  /** The write that is meant: a text among its values, or what it does to a row. */
  readonly write: string | RowChange;
  /** Microseconds from the beginning of a commit or checkpoint, or from its end, to the end of the process. */
  readonly delay: number;
}

/** A message to a server; it answers with the same id. */
export interface Told {
  readonly id: number;
  readonly order?: Order;
  /** Milliseconds to turn its clock on by. */
  readonly turn?: number;
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
  /** Whether it is gone. */
  readonly gone: boolean;
  /** Resolves when it has understood, or is gone. */
  order(order: Order): Promise<void>;
  /** Turns its clock on by `ms`; resolves when what fell due has been done, or it is gone. */
  turn(ms: number): Promise<void>;
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

/** How a server is started. */
export interface StartOptions {
  /** The step onto the disk before which it dies. */
  readonly step?: number;
  /** By how many milliseconds its clock, and that of its administrator, is ahead; asked again at each call. */
  readonly turned?: () => number;
}

/** Starts one; rejects with `NotUp` when it ends before it is up. */
export async function startKillable(
  data: string,
  port: number,
  { step, turned = () => 0 }: StartOptions = {},
): Promise<KillableServer> {
  const child: ChildProcess = fork(
    join(import.meta.dirname, 'server-entry.ts'),
    [data, String(port), String(turned()), ...(step === undefined ? [] : [String(step)])],
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
  const admin = openApiClient({
    url,
    ca,
    region,
    credentials: { accessKeyId, secretAccessKey },
    now: () => Date.now() + turned(),
  });
  let gone = false;
  void ended.then(() => {
    gone = true;
    admin.close();
  });
  let told = 0;
  const understood = new Map<number, () => void>();
  child.on('message', ({ id }: Told) => {
    understood.get(id)?.();
    understood.delete(id);
  });
  const tell = (what: Omit<Told, 'id'>) =>
    new Promise<void>((done) => {
      told += 1;
      understood.set(told, done);
      void ended.then(() => done());
      if (child.connected) child.send({ id: told, ...what } satisfies Told, () => {});
    });
  return {
    ...ready,
    url,
    ca,
    region,
    admin,
    ended,
    get gone() {
      return gone;
    },
    order: (order) => tell({ order }),
    turn: (ms) => tell({ turn: ms }),
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
