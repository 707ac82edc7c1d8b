/**
 * A machine of its own: its own network, files, processes and name, in namespaces of this kernel. It is joined to
 * this process's network by a cable of its own, and finds the server by a name that our DNS server answers for.
 * Needs root.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NodeEvidence } from '@rollcall/diagnosis';
import { agentProcess } from '../../../packages/agent/src/process.ts';
import type { Forwarder } from '../middle/forwarder.ts';
import type { ZooServer } from '../server.ts';
import { until } from '../until.ts';
import { registerNode, type Started, startProcess } from './agent.ts';
import type { Node } from './node.ts';
import { becomesOnline } from './online.ts';

const repository = resolve(import.meta.dirname, '../../..');

/** The name by which machines know the server. */
export const serverName = 'rollcall.zoo.internal';
/** Where the middle lives, on the bridge that all machines of this process hang on. */
export const gateway = { four: '10.77.0.1', six: 'fd77::1' } as const;
const bridge = 'zoo0';

/** What programs need of `/dev`. */
const devices = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

/** A machine in namespaces, with what only such a one has. */
export interface Machine extends Node {
  /** The root of its file system, as this process reaches it. */
  readonly files: string;
  /** Runs a program inside, to its end; answers what it printed. Throws when it fails. */
  run(program: string, ...args: readonly string[]): string;
  /** Starts a program inside that goes on. */
  spawn(
    program: string,
    args: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly uid?: number },
  ): Started;
  /** Sets its clock, for whatever starts from then on: ahead by so many milliseconds; needs libfaketime. */
  setClock(ahead: number): void;
  /** Our end of its network cable. */
  readonly cable: string;
  /** The process id of the agent inside the machine. */
  pid(): number;
}

/** What it is made of. */
export interface MachineOptions {
  readonly server: ZooServer;
  readonly folder: string;
  readonly cache: string;
  readonly number: number;
  /** Milliseconds by which its clock is ahead from the beginning; needs libfaketime. */
  readonly ahead?: number;
  /** Seconds for which it says that it has been up; what this one says unless given. */
  readonly upFor?: number;
  /** The address at which it reaches the server; the bridge's own unless given. */
  readonly listens?: string;
  /** The name by which it knows the server; `serverName` unless given. */
  readonly serverName?: string;
  /** The way to the server; machines share it. */
  readonly way: Forwarder;
}

/** Sets up the side of the cables that is ours; once for a process that has a network of its own. */
export function prepareNetwork(): void {
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('addr', 'add', `${gateway.four}/24`, 'dev', bridge);
  for (const last of [3, 4]) ip('addr', 'add', `10.77.0.${last}/32`, 'dev', bridge);
  ip('-6', 'addr', 'add', `${gateway.six}/64`, 'dev', bridge, 'nodad');
  ip('link', 'set', bridge, 'up');
  // So that this process finds the server by its name, too: the resolver of this mount namespace only.
  const resolv = join(process.env.TMPDIR ?? '/tmp', `zoo-resolv-${process.pid}.conf`);
  writeFileSync(resolv, `nameserver ${gateway.four}\n`);
  execFileSync('mount', ['--bind', resolv, '/etc/resolv.conf']);
}

/** Builds one; its agent isn't registered yet. */
export async function openMachine(options: MachineOptions): Promise<Machine> {
  const { server, number } = options;
  const name = `machine-${number}`;
  const address = `10.77.0.${10 + number}`;
  const home = join(options.folder, name);
  const files = join(home, 'root');
  const shell = (line: string) =>
    execFileSync('/bin/sh', ['-ec', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  mkdirSync(files, { recursive: true });
  mkdirSync(join(home, 'disk'));
  shell(
    [
      `mount -t tmpfs -o size=256m zoo ${home}/disk`,
      `mkdir ${home}/disk/files ${home}/disk/work`,
      `mount -t overlay -o lowerdir=/,upperdir=${home}/disk/files,workdir=${home}/disk/work zoo ${files}`,
      `mount -t tmpfs zoo ${files}/tmp`,
      // Nothing of the real machine's is within reach that could be harmed.
      `mount -t tmpfs -o mode=755 zoo ${files}/dev`,
      `mkdir ${files}/dev/shm ${files}/dev/pts`,
      ...devices.map(([name, major, minor]) => `mknod -m 666 ${files}/dev/${name} c ${major} ${minor}`),
      `ln -s /proc/self/fd ${files}/dev/fd`,
      // Whatever this one lives in, that one is a machine.
      `rm -f ${files}/.dockerenv ${files}/run/.containerenv ${files}/run/systemd/container`,
      `mkdir -p ${files}${repository} ${files}/var/cache/zoo`,
      `mount --bind ${repository} ${files}${repository}`,
      `mount -o remount,bind,ro ${files}${repository}`,
      `mount --bind ${options.cache} ${files}/var/cache/zoo`,
    ].join('\n'),
  );
  const write = (path: string, text: string) => writeFileSync(join(files, path), text);
  write('etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  write('etc/resolv.conf', `nameserver ${gateway.four}\n`);
  write('etc/hosts', `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${name}\n`);
  const born = [
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'ip link set lo up',
    `hostname ${name}`,
    'echo born',
    'exec sleep 1000000',
  ].join('; ');
  const time = options.upFor === undefined ? [] : ['--time', `--boottime=${options.upFor - upSeconds()}`];
  const init = startProcess('unshare', [
    ...['--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--kill-child', ...time],
    ...['chroot', files, '/bin/sh', '-ec', born],
  ]);
  await until('the machine starts', () => {
    if (init.child.exitCode !== null) throw new Error(`the machine didn't start: ${init.said()}`);
    return init.said().includes('born');
  });
  const target = childOf(init.child.pid!)!;
  const cable = `zoo-${number}`;
  shell(
    [
      `ip link add ${cable} type veth peer name eth0 netns ${target}`,
      `ip link set ${cable} master ${bridge} up`,
    ].join('\n'),
  );
  const spaces = [
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    ...(options.upFor === undefined ? [] : ['--time']),
  ];
  const inside = (program: string, args: readonly string[]): [string, string[]] => [
    'nsenter',
    [`--target=${target}`, ...spaces, '--root', '--wdns=/', '--', program, ...args],
  ];
  const run = (program: string, ...args: readonly string[]) => {
    const [file, all] = inside(program, args);
    return execFileSync(file, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };
  run(
    '/bin/sh',
    '-ec',
    [
      `ip addr add ${address}/24 dev eth0`,
      `ip -6 addr add fd77::${10 + number}/64 dev eth0 nodad`,
      'ip link set eth0 up',
      `ip route add default via ${gateway.four}`,
      `ip -6 route add default via ${gateway.six}`,
    ].join('\n'),
  );
  const { way } = options;
  const agentRoot = '/var/lib/rollcall-agent';
  const root = join(files, agentRoot);
  const serverUrl = `https://${options.serverName ?? serverName}`;
  const cache = '/var/cache/zoo';
  let shifted = clockOf(options.ahead ?? 0);
  let nodeId = '';
  let agent: Started | undefined;

  const spawn: Machine['spawn'] = (program, args, { env = {}, uid } = {}) => {
    const asUser = uid === undefined ? [] : [`--setuid=${uid}`, `--setgid=${uid}`];
    const [file, [first, ...rest]] = inside(program, args) as [string, [string, ...string[]]];
    return startProcess(file, [first, ...asUser, ...rest], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
    });
  };

  const signal = (name: NodeJS.Signals) => {
    const pid = agent && childOf(agent.child.pid!);
    if (pid !== undefined) process.kill(pid, name);
  };

  return {
    name,
    address,
    cable,
    setClock(ahead) {
      shifted = clockOf(ahead);
    },
    files,
    root,
    serverUrl,
    way,
    run,
    spawn,
    get nodeId() {
      return nodeId;
    },
    async register(given = {}) {
      nodeId = await registerNode(server, root, serverUrl, given);
    },
    async start({ online = true, env = {}, user } = {}) {
      const began = server.clock.now();
      const { file, args, env: own } = agentProcess({ root: agentRoot, cache });
      agent = spawn(file, args, {
        env: { ...own, ...shifted, ...env },
        ...(user !== undefined && { uid: user }),
      });
      if (online) await becomesOnline(server, nodeId, began, agent);
    },
    async stop() {
      if (agent?.child.exitCode !== null) return;
      signal('SIGTERM');
      await agent.ended;
    },
    signal,
    running: () => agent !== undefined && agent.child.exitCode === null && agent.child.signalCode === null,
    pid() {
      const outer = childOf(agent!.child.pid!)!;
      return Number(/^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${outer}/status`, 'utf8'))![1]);
    },
    log: () => agent?.said() ?? '',
    async look(more = {}) {
      const looking = spawn(
        process.execPath,
        [join(repository, 'test/faults/node/look.ts'), JSON.stringify({ root: agentRoot, ...more })],
        { env: { NODE_COMPILE_CACHE: cache, ...shifted } },
      );
      await looking.heard;
      const [, json] = /^(\{.*\})$/m.exec(looking.said()) ?? [];
      if (json === undefined) throw new Error(`nothing was seen on ${name}: ${looking.said()}`);
      return JSON.parse(json) as NodeEvidence;
    },
    async close() {
      init.child.kill('SIGKILL');
      await init.ended;
      // The kernel takes its time to clear a network away, and the next machine's cable has the same name.
      shell(`ip link del ${cable} 2>/dev/null || true`);
      shell(`umount --recursive --lazy ${files}; umount --lazy ${home}/disk`);
    },
  };
}

/** The environment in which a process believes another time. */
function clockOf(ahead: number): Record<string, string> {
  if (ahead === 0) return {};
  return {
    LD_PRELOAD: faketime(),
    FAKETIME: `${ahead < 0 ? '' : '+'}${ahead / 1000}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** The only child of a process, as this process's namespace numbers it. */
function childOf(pid: number): number | undefined {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
  return text ? Number(text) : undefined;
}

function upSeconds(): number {
  return Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
}

/** Where the library is that makes a process believe another time. */
export function faketime(): string {
  for (const folder of [
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
  ]) {
    const path = `${folder}/faketime/libfaketimeMT.so.1`;
    try {
      readFileSync(path);
      return path;
    } catch {
      // Not there.
    }
  }
  throw new Error('libfaketime is not installed');
}
