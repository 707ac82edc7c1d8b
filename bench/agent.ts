/**
 * Our agent beside the official one: memory at rest and size on the disk. The official one is started when
 * `ROLLCALL_OFFICIAL_AGENT` names a command that takes SERVER_URL REGION ACTIVATION_ID ACTIVATION_CODE CA_BUNDLE
 * STATE_DIR and has the programs in `bin/` beside it; else what was measured elsewhere is shown.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentProcess, register, warmAgentCache } from '@rollcall/agent';
import { packagesNeeded } from '../packages/server/src/enrolment/archive.ts';
import { startServer, type TestServer } from '../test/harness/server.ts';
import { region } from './lib/books.ts';
import { cpuOf, memoryOf } from './lib/children.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';
import { isShipped, root, sizeOf } from './lib/sizes.ts';

const quiet = small ? 15_000 : 60_000;
const rounds = small ? 1 : 3;
const official = process.env.ROLLCALL_OFFICIAL_AGENT;

interface Idle {
  readonly memory: number;
  readonly cpu: number;
}

begin('agent', `memory of an agent ${quiet / 1000} s after it connected`);

async function activate(server: TestServer): Promise<{ ActivationId: string; ActivationCode: string }> {
  return server.admin.ask('ssm:CreateActivation', { IamRole: 'RollcallManagedNode' });
}

/** Waits until the newest node's channel is open, and then as long as agreed. */
async function rest(server: TestServer, nodes: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const list = await server.admin.ask('ssm:DescribeInstanceInformation', { MaxResults: 50 });
    const ids: string[] = list.InstanceInformationList.map((one: { InstanceId: string }) => one.InstanceId);
    const states = await Promise.all(
      ids.map((id) => server.admin.ask('ssm:GetConnectionStatus', { Target: id })),
    );
    if (states.filter(({ Status }) => Status === 'connected').length >= nodes) return sleep(quiet);
    await sleep(100);
  }
  throw new Error('An agent did not connect.');
}

function idleOf(pids: readonly number[]): Idle {
  return {
    memory: pids.reduce((sum, pid) => sum + memoryOf(pid), 0),
    cpu: pids.reduce((sum, pid) => sum + cpuOf(pid), 0),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await ended;
}

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));

/** Starts ours; resolves with its process. */
async function startOurs(server: TestServer, name: string): Promise<ChildProcess> {
  const home = join(folder, name);
  const activation = await activate(server);
  await register({
    serverUrl: server.url,
    activationId: activation.ActivationId,
    activationCode: activation.ActivationCode,
    region,
    root: home,
    ca: server.ca,
  });
  const cache = join(folder, 'cache');
  await warmAgentCache(cache);
  const { file, args, env } = agentProcess({ root: home, cache });
  return spawn(file, args, { env, stdio: 'ignore' });
}

async function startOfficial(server: TestServer, name: string): Promise<ChildProcess> {
  const { ActivationId, ActivationCode } = await activate(server);
  const ca = join(folder, 'ca.crt');
  writeFileSync(ca, server.ca);
  const args = [server.url, region, ActivationId, ActivationCode, ca, join(folder, name)];
  return spawn(official!, args, { stdio: 'ignore', env: { ...process.env, PRIVATE_ETC: '1' } });
}

/** The official agent's processes: two, below whatever the script made. */
function below(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .filter((name) => parentOf(Number(name)) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...below(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function isOfficial(pid: number): boolean {
  return /amazon-ssm|ssm-agent/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
}

const ours: Idle[] = [];
const theirs: Idle[] = [];
try {
  for (let round = 0; round < rounds; round++) {
    const server = await startServer();
    const one = await startOurs(server, `ours-${round}`);
    const other = official === undefined ? undefined : await startOfficial(server, `official-${round}`);
    await rest(server, other ? 2 : 1);
    ours.push(idleOf([one.pid!]));
    if (other) theirs.push(idleOf(below(other.pid!).filter(isOfficial)));
    await stop(one);
    if (other) await stop(other);
    await server.stop();
    server.remove();
  }
  const middle = (idles: readonly Idle[], of: keyof Idle) => median(idles.map((idle) => idle[of]));
  const mib = (bytes: number) => bytes / 1024 / 1024;
  const live = theirs.length > 0;
  const against = live ? 'amazon-ssm-agent' : 'amazon-ssm-agent, measured elsewhere';
  compare({
    what: 'memory at rest',
    ours: mib(middle(ours, 'memory')),
    peer: live ? mib(middle(theirs, 'memory')) : 47,
    unit: 'MiB',
    against,
    atMost: 1.5,
  });
  const cpu = `processor time since its start: ours ${number(middle(ours, 'cpu'))} s`;
  note(live ? `${cpu} · ${against} ${number(middle(theirs, 'cpu'))} s` : cpu);
  const needed = packagesNeeded(root).map((name) => join(root, 'node_modules', name));
  const own = ['agent', 'documents', 'wire', 'cli'].map((name) => join(root, 'packages', name, 'src'));
  const code = [...needed, ...own].reduce((sum, path) => sum + sizeOf(path, isShipped), 0);
  const node = sizeOf(process.execPath);
  compare({
    what: 'on the disk, with Node',
    ours: mib(code + node),
    peer: live ? mib(sizeOf(join(dirname(official!), 'bin'), (name) => !/plugin/.test(name))) : 106,
    unit: 'MiB',
    against,
  });
  note(`of which Node ${number(mib(node))} MiB; all the rest ${number(mib(code))} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
