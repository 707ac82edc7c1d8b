/**
 * `true` on many nodes, against `ansible -m raw -a true -f 50` over ssh to as many names of this machine. Our side
 * runs real agents, a process for each node, then the same with simulated ones, that run nothing but say
 * what the official one says. Ansible connects anew each time, since its connections last a minute only; what it
 * takes when they are still open is shown as well.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../test/harness/api-client.ts';
import { makeKeyPool } from '../test/harness/key-pool.ts';
import { openOfficialJobs } from '../test/harness/official-jobs.ts';
import { startServer } from '../test/harness/server.ts';
import { openFleet } from '../test/harness/simulated-agent.ts';
import { region } from './lib/books.ts';
import { memoryOf } from './lib/children.ts';
import { startRealAgents } from './lib/real-agents.ts';
import { begin, compare, median, note, number, small } from './lib/report.ts';
import { timeProcess } from './lib/run-process.ts';
import { root } from './lib/sizes.ts';
import { missingForSsh, type Sshd, startSshd } from './lib/ssh.ts';

const nodes = small ? 20 : 100;
const rounds = small ? 1 : 5;
/** What an agent takes, beside everything else; generously. */
const memoryEach = 90 * 1024 * 1024;

begin('ansible', `true on ${nodes} nodes`);

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'rollcall-bench-'));
const missing = [
  ...missingForSsh(),
  ...(spawnSync('ansible', ['--version']).status === 0 ? [] : ['ansible']),
];

/** Sends `true` to all nodes, and waits until the last result is there; milliseconds. */
async function sendToAll(admin: ApiClient): Promise<number> {
  const begun = performance.now();
  const { Command } = await admin.ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
    MaxConcurrency: '100%',
    MaxErrors: '100%',
    Parameters: { commands: ['true'] },
  });
  const watch = { CommandId: Command.CommandId, After: nodes - 1, WaitSeconds: 20 };
  for (let tries = 0; tries < 10; tries++) {
    const { Finished, Command: now } = await admin.ask('rollcall:WatchCommand', watch);
    if (Finished.length === 0) continue;
    const took = performance.now() - begun;
    if (now.Status !== 'Success' || now.SuccessCount !== nodes) throw new Error(JSON.stringify(now));
    return took;
  }
  throw new Error('The command did not end.');
}

/** Ansible with nothing of this user's or this machine's settings. */
function ansible(sshd: Sshd) {
  const home = join(folder, 'ansible');
  const sockets = join(home, 'cp');
  mkdirSync(sockets, { recursive: true });
  const inventory = join(home, 'inventory');
  writeFileSync(inventory, Array.from({ length: nodes }, (_, index) => `node-${index}\n`).join(''));
  const config = join(home, 'ansible.cfg');
  writeFileSync(config, '[defaults]\ninterpreter_python = auto_silent\n');
  const env = {
    PATH: process.env.PATH,
    LC_ALL: 'C.UTF-8',
    HOME: home,
    ANSIBLE_CONFIG: config,
    ANSIBLE_HOME: home,
    ANSIBLE_LOCAL_TEMP: join(home, 'tmp'),
    ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
    ANSIBLE_SSH_COMMON_ARGS: `-F ${sshd.config}`,
  };
  const args = ['all', '-i', inventory, '-m', 'raw', '-a', 'true', '-f', '50'];
  return {
    run: () => timeProcess('ansible', args, env),
    /** Ends the connections that it left open. */
    forget() {
      for (const socket of readdirSync(sockets))
        spawnSync('ssh', ['-F', sshd.config, '-S', join(sockets, socket), '-O', 'exit', 'any']);
    },
  };
}

function cli(data: string): Promise<number> {
  const main = join(root, 'packages/cli/src/main.js');
  return timeProcess(process.execPath, [main, 'run', '--all', '--yes', '--data', data, '--', 'true']);
}

const api: number[] = [];
const whole: number[] = [];
const simulated: number[] = [];
const fresh: number[] = [];
const kept: number[] = [];

/** Our real agents and Ansible in turn, or Ansible alone where there is no room for as many processes. */
async function againstAnsible(sshd: Sshd | undefined): Promise<void> {
  const fits = freemem() > nodes * memoryEach + 2 ** 30;
  const server = await startServer();
  const agents = await startRealAgents(server, folder, fits ? nodes : 0);
  try {
    if (fits) await sendToAll(server.admin);
    const peer = sshd && ansible(sshd);
    for (let round = 0; round < rounds; round++) {
      if (fits) {
        api.push(await sendToAll(server.admin));
        whole.push(await cli(server.data));
      }
      if (!peer) continue;
      fresh.push(await peer.run());
      kept.push(await peer.run());
      peer.forget();
    }
    const memory = agents.pids.reduce((sum, pid) => sum + memoryOf(pid), 0) / 1024 / 1024;
    note(
      fits
        ? `${nodes} processes of our agent, ${number(memory / nodes)} MiB each`
        : `no memory for ${nodes} processes of our agent: simulated ones only`,
    );
  } finally {
    await agents.stop();
    await server.stop();
    server.remove();
  }
}

async function againstSimulated(): Promise<void> {
  const server = await startServer();
  const { ActivationId: id, ActivationCode: code } = await server.admin.ask('ssm:CreateActivation', {
    IamRole: 'RollcallManagedNode',
    RegistrationLimit: nodes,
  });
  const jobs = openOfficialJobs();
  const { url, ca } = server;
  const keys = await makeKeyPool(nodes);
  const fleet = openFleet({ url, ca, region, activation: { id, code }, keys, answer: jobs.answer });
  try {
    await fleet.join(nodes);
    await fleet.connected(nodes);
    await sendToAll(server.admin);
    for (let round = 0; round < 5; round++) simulated.push(await sendToAll(server.admin));
  } finally {
    jobs.close();
    await fleet.close();
    await server.stop();
    server.remove();
  }
}

/** As nodes a second, so that more is better. */
function say(what: string, ours: readonly number[], atLeast?: number): void {
  if (ours.length === 0) return;
  const [mine, peer] = [(nodes / median(ours)) * 1000, (nodes / median(fresh)) * 1000];
  if (fresh.length === 0) note(`${what}: ${number(mine)} nodes/s`);
  else
    compare({
      what,
      ours: mine,
      peer,
      unit: 'nodes/s',
      against: 'ansible, whole process, new connections',
      ...(atLeast !== undefined && { atLeast }),
    });
}

let sshd: Sshd | undefined;
try {
  if (missing.length === 0) sshd = await startSshd(folder);
  else note(`${missing.join(', ')} not at hand (openssh-server, ansible): nothing to compare with`);
  await againstAnsible(sshd);
  await againstSimulated();
  say('SendCommand until the last result, our agents', api, 50);
  say('the whole process rollcall run --all -- true, our agents', whole);
  say('SendCommand until the last result, simulated agents', simulated, 50);
  const list = (values: readonly number[]) => values.map((one) => Math.round(one)).join(', ');
  note(
    `ms: our agents ${list(api)} · rollcall run ${list(whole)} · simulated agents ${list(simulated)}` +
      (fresh.length > 0
        ? ` · ansible ${list(fresh)}, again over connections that it kept ${list(kept)}`
        : ''),
  );
} finally {
  sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
}
