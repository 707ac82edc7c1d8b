/**
 * A server that dies when it is told to, at the very moment that was named. It runs the same `up` as everybody;
 * what stops it is here, in the test: the observer of commits, and what is put around SQLite and the file
 * system before the server is loaded.
 *
 *     node server-entry.ts DATA PORT TURNED [STEP]
 *
 * Its clock is TURNED milliseconds ahead. With STEP it dies before its STEPth step onto the disk, counted from the
 * start.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { ServerResponse } from 'node:http';
import { enableCompileCache, flushCompileCache, syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Order, Ready, Told } from './killable.ts';
import { openTurnedClock } from './turned-clock.ts';
import { watchRows } from './watch-rows.ts';

const [data = '', port = '', turned = '', step = ''] = process.argv.slice(2);
const clock = openTurnedClock(Number(turned));
const dieAtStep = Number(step || 0);

/** At once, with nothing written, closed or said any more. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not reached');
}

let steps = 0;
let counting = true;
function onStep(): void {
  if (!counting) return;
  steps += 1;
  if (steps === dieAtStep) die();
}

/** Puts a function before a method. */
function before(object: object, name: string, first: (self: unknown, args: unknown[]) => void): void {
  const methods = object as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[name]!;
  methods[name] = function around(this: unknown, ...args: unknown[]) {
    first(this, args);
    return original.apply(this, args);
  };
}

let order: Order | undefined;
let committing = false;
/** The transaction that is open has written what the order names. */
let touched = false;
let writer: DatabaseSync | undefined;
let fuse: ((microseconds: number) => void) | undefined;

before(DatabaseSync.prototype, 'exec', (self, [sql]) => {
  if (/journal_mode = WAL/.test(String(sql))) writer = self as DatabaseSync;
  onStep();
});
for (const name of ['run', 'all']) {
  before(StatementSync.prototype, name, (self, args) => {
    const sql = (self as StatementSync).sourceSQL;
    if (/^\s*(select|pragma)\b/i.test(sql)) return;
    onStep();
    const token = order?.write;
    if (typeof token === 'string' && args.some((arg) => typeof arg === 'string' && arg.includes(token))) {
      touched = true;
    }
  });
}
const writing = ['writeSync', 'fsyncSync', 'renameSync', 'mkdirSync', 'rmSync', 'chmodSync', 'writeFileSync'];
for (const name of writing) before(fs, name, onStep);
for (const name of ['mkdir', 'writeFile', 'rename', 'rm']) before(promises, name, onStep);
before(fs, 'openSync', (_self, [, flags]) => {
  if (typeof flags === 'string' && /[wax+]/.test(flags)) onStep();
});
syncBuiltinESMExports();
// Nodes set their clocks by this.
before(ServerResponse.prototype, 'writeHead', (self) => {
  (self as ServerResponse).setHeader('Date', new Date(clock.now()).toUTCString());
});

/** A thread that kills the process so many microseconds after it is lit, whatever this thread does then. */
async function layFuse(): Promise<(microseconds: number) => void> {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { workerData } = require('node:worker_threads');
     require('node:worker_threads').parentPort.postMessage('laid');
     Atomics.wait(workerData, 0, 0);
     const until = process.hrtime.bigint() + BigInt(workerData[0]) * 1000n;
     while (process.hrtime.bigint() < until);
     process.kill(process.pid, 'SIGKILL');`,
    { eval: true, workerData: shared },
  );
  worker.unref();
  await new Promise((laid) => worker.once('message', laid));
  return (microseconds) => {
    Atomics.store(shared, 0, Math.max(1, microseconds));
    Atomics.notify(shared, 0);
  };
}

/** How long what a turn of the clock has set off may take, in milliseconds. */
const turnWait = 10;

enableCompileCache(join(tmpdir(), 'rollcall-test-compile-cache'));
const { up } = await import('@rollcall/server');

const server = await up(
  {
    listen: { host: 'localhost', port: Number(port) },
    publicUrls: [],
    data,
    regions: ['us-east-1'],
    account: '000000000000',
    store: { kind: 'sqlite' },
    metrics: 'off',
    proxyProtocol: [],
    logLevel: 'warn',
    successorCa: false,
  },
  {
    clock,
    observe({ moment }) {
      committing = moment === 'before-commit';
      if (!order || !touched) return;
      if (moment === 'before-commit') {
        if (order.moment === 'before-commit') die();
        if (order.moment === 'in-commit') fuse?.(order.delay);
        return;
      }
      if (order.moment === 'after-commit') die();
      if (order.moment === 'soon') fuse?.(order.delay);
      if (order.moment === 'in-checkpoint') {
        fuse?.(order.delay);
        for (;;) writer?.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      }
      touched = false;
    },
  },
);
counting = false;

watchRows(
  writer!,
  () => {
    const change = order?.write;
    return typeof change === 'object' ? change : undefined;
  },
  () => {
    touched = true;
  },
);

process.on('message', ({ id, order: received, turn }: Told) => {
  void (async () => {
    if (received) {
      if (received.moment !== 'before-commit' && received.moment !== 'after-commit') fuse = await layFuse();
      order = received;
    }
    if (turn !== undefined) {
      clock.turn(turn);
      // What that set off gets onto the disk before the next turn, the lease above all.
      do await new Promise((done) => setTimeout(done, turnWait));
      while (committing);
    }
    process.send?.({ id });
  })();
});
process.once('disconnect', die);
const ready: Ready = {
  steps,
  rules: [...server.rules].map(([name, { changes }]) => ({ name, changes })),
};
process.send?.(ready);
flushCompileCache();
