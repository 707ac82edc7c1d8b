/**
 * How long a start takes until calls are answered, the first one in a new folder and any other; what an idle server
 * keeps in memory; what is installed. Beside it `moto_server`, when it is at hand: it simulates the same API, in
 * memory and without checking who calls.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/harness/server.ts';
import { memoryOf } from './lib/children.ts';
import { begin, compare, limit, median, note, number, small } from './lib/report.ts';
import { installSize, root } from './lib/sizes.ts';

const rounds = small ? 3 : 7;
const quiet = small ? 3_000 : 10_000;

/** One start: milliseconds until it answers, and the bytes it keeps in memory after a while. */
interface Start {
  readonly took: number;
  readonly memory: number;
}

begin('start', 'from the command until a request is answered');

async function start(command: readonly string[], url: string, rest: number): Promise<Start> {
  const begun = performance.now();
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  try {
    while (!(await answers(url))) {
      if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${child.exitCode}`);
      await sleep(2);
    }
    const took = performance.now() - begun;
    await sleep(rest);
    return { took, memory: memoryOf(child.pid!) };
  } finally {
    stop(child);
    await ended;
  }
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null) child.kill('SIGTERM');
}

function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    const client = url.startsWith('https') ? https : http;
    const request = client.get(url, { agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    request.on('error', () => done(false));
  });
}

const first: Start[] = [];
const later: Start[] = [];
const motos: Start[] = [];
const hasMoto = spawnSync('python3', ['-c', 'import moto.server']).status === 0;
for (let round = 0; round < rounds; round++) {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
  const rest = round === 0 ? quiet : 0;
  try {
    const port = await freePort();
    const flags = ['--listen', `localhost:${port}`, '--data', join(folder, 'data'), '--metrics', 'off'];
    const up = [process.execPath, join(root, 'packages/cli/src/main.js'), 'up', ...flags];
    const url = `https://localhost:${port}/readyz`;
    first.push(await start(up, url, 0));
    later.push(await start(up, url, rest));
    if (hasMoto) {
      const port = await freePort();
      const moto = ['python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
      motos.push(await start(moto, `http://127.0.0.1:${port}/moto-api/`, rest));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const took = (starts: readonly Start[]) => median(starts.map((one) => one.took));
const mib = (bytes: number) => bytes / 1024 / 1024;
if (hasMoto) {
  compare({
    what: 'start',
    ours: took(later),
    peer: took(motos),
    unit: 'ms',
    against: 'moto_server',
    atMost: 1,
  });
  compare({
    what: 'memory at rest',
    ours: mib(later[0]!.memory),
    peer: mib(motos[0]!.memory),
    unit: 'MiB',
    against: 'moto_server',
    atMost: 2,
  });
} else {
  note('moto_server is not at hand (python3 -m moto.server): fixed limits instead, measured of it elsewhere');
  limit('start', took(later), 'ms', 522);
  limit('memory at rest', mib(later[0]!.memory), 'MiB', 108);
}
note(`the very first start, which makes a CA and a database: ${number(took(first))} ms`);
const { packages, ours, node, count } = installSize();
// MeshCentral 1.1.55, a server for nodes in the same language: 449 MB in 224 packages, measured elsewhere.
limit('installed, without Node', mib(packages + ours), 'MiB', Math.floor(449 / 5));
note(
  `of which ${count} packages ${number(mib(packages))} MiB, our own ${number(mib(ours))} MiB; Node beside it ${number(mib(node))} MiB`,
);
