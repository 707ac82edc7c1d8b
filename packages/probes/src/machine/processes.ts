/** The processes of a machine, from `/proc`. Only those that may be an agent's are looked at closely. */
import { setTimeout } from 'node:timers/promises';
import type { Sight } from './sight.ts';

/** A process; `environment` is whole, and never leaves this package as it is. */
export interface Seen {
  readonly pid: number;
  readonly parent: number;
  /** The program's own name, from its path or its first word. */
  readonly name: string;
  readonly exe?: string;
  readonly argv: readonly string[];
  readonly state: string;
  readonly uid?: number;
  readonly startedAt?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly openFiles?: { readonly count: number; readonly limit: number };
  readonly container: boolean;
}

/** What was counted on the way. */
export interface ProcessTable {
  readonly agents: readonly Seen[];
  readonly count: number;
  readonly bootAt?: number;
  /** Who keeps the clock, when a process of that name runs. */
  readonly timeKeeper?: 'chrony' | 'timesyncd' | 'ntpd';
}

/** The kernel keeps 15 characters of a name. */
const official = /^(amazon-ssm-agen|ssm-agent-worke|ssm-document-wo|ssm-session-wor|ssm-session-log)/;
/** Ours is a Node process: its name says nothing, its arguments do. */
const node = /^(node|rollcall|MainThread)/;
const timeKeepers: Readonly<Record<string, NonNullable<ProcessTable['timeKeeper']>>> = {
  chronyd: 'chrony',
  'systemd-timesyn': 'timesyncd',
  ntpd: 'ntpd',
};
const containerGroup = /docker|containerd|kubepods|libpod|\blxc\b|crio/;

/** Looks at all processes; undefined when they can't be listed. */
export async function readProcesses(sight: Sight): Promise<ProcessTable | undefined> {
  const names = await sight.list('/proc', 100_000);
  const pids = names?.filter((name) => /^\d+$/.test(name)).map(Number);
  if (pids === undefined || pids.length === 0) {
    sight.unseen('processes', 'there is no /proc');
    return undefined;
  }
  const bootText = await sight.text('/proc/stat');
  const bootSeconds = /^btime (\d+)/m.exec(bootText ?? '')?.[1];
  const bootAt = bootSeconds === undefined ? undefined : Number(bootSeconds) * 1000;
  const agents: Seen[] = [];
  let timeKeeper: ProcessTable['timeKeeper'];
  // The command line of a process that is stuck in the kernel may never come: the rest doesn't wait for it.
  await inGroups(pids, 24, async (pid) => {
    const stat = await sight.text(`/proc/${pid}/stat`, 4096);
    if (stat === undefined) return;
    timeKeeper ??= timeKeepers[stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))];
    const seen = await readProcess(sight, pid, stat, bootAt);
    if (seen) agents.push(await settled(sight, seen));
  });
  agents.sort((one, other) => one.pid - other.pid);
  return {
    agents,
    count: pids.length,
    ...(bootAt === undefined ? {} : { bootAt }),
    ...(timeKeeper === undefined ? {} : { timeKeeper }),
  };
}

/** Everybody waits for a disk now and then, for a moment: only who still does after several looks is stuck. */
async function settled(sight: Sight, seen: Seen): Promise<Seen> {
  for (let looks = 0; looks < 3; looks += 1) {
    if (seen.state !== 'D') return seen;
    await setTimeout(Math.min(150, sight.remaining() / 10));
    const stat = await sight.text(`/proc/${seen.pid}/stat`, 4096);
    const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    if (state !== undefined && state !== 'D') return { ...seen, state };
  }
  return seen;
}

async function readProcess(
  sight: Sight,
  pid: number,
  stat: string,
  bootAt?: number,
): Promise<Seen | undefined> {
  const short = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  if (!official.test(short) && !node.test(short)) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const argv = ((await sight.text(`/proc/${pid}/cmdline`, 16_384)) ?? '').split('\0').filter(Boolean);
  if (!official.test(short) && !argv.includes('--root')) return undefined;
  const ticks = Number(fields[19]);
  const exe = await quiet(sight, pid, 'exe');
  const [status, cgroup, environment] = await Promise.all([
    sight.text(`/proc/${pid}/status`, 8192),
    sight.text(`/proc/${pid}/cgroup`, 8192),
    readEnvironment(sight, pid),
  ]);
  const openFiles = await countOpenFiles(sight, pid);
  const uid = /^Uid:\s+(\d+)/m.exec(status ?? '')?.[1];
  const program = exe?.replace(/ \(deleted\)$/, '') ?? argv[0];
  return {
    pid,
    parent: Number(fields[1]),
    name: program === undefined ? short : program.slice(program.lastIndexOf('/') + 1) || short,
    argv,
    state: fields[0] ?? '?',
    container: containerGroup.test(cgroup ?? '') || (await isElsewhere(sight, pid)),
    ...(exe === undefined ? {} : { exe }),
    ...(uid === undefined ? {} : { uid: Number(uid) }),
    // The kernel counts in hundredths of a second here, whatever it ticks at.
    ...(bootAt === undefined || !(ticks >= 0) ? {} : { startedAt: bootAt + ticks * 10 }),
    ...(environment === undefined ? {} : { environment }),
    ...(openFiles === undefined ? {} : { openFiles }),
  };
}

async function readEnvironment(sight: Sight, pid: number): Promise<Record<string, string> | undefined> {
  const text = await sight.text(`/proc/${pid}/environ`, 262_144);
  if (text === undefined) return undefined;
  const environment: Record<string, string> = {};
  for (const entry of text.split('\0')) {
    const at = entry.indexOf('=');
    if (at > 0) environment[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return environment;
}

async function countOpenFiles(sight: Sight, pid: number): Promise<Seen['openFiles']> {
  const limits = await sight.text(`/proc/${pid}/limits`, 8192);
  const limit = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1];
  if (limit === undefined) return undefined;
  const open = await sight.list(`/proc/${pid}/fd`, 100_000);
  return open === undefined ? undefined : { count: open.length, limit: Number(limit) };
}

/** Whether a process lives in another world than the machine's first one: its files and its processes differ. */
async function isElsewhere(sight: Sight, pid: number): Promise<boolean> {
  for (const kind of ['mnt', 'pid']) {
    const [first, own] = [await quiet(sight, 1, `ns/${kind}`), await quiet(sight, pid, `ns/${kind}`)];
    if (first === undefined || own === undefined || first === own) return false;
  }
  return true;
}

/** A link that only root may read: whoever isn't root is told once, for all processes. */
async function quiet(sight: Sight, pid: number, name: string): Promise<string | undefined> {
  if (sight.privileged) return sight.link(`/proc/${pid}/${name}`);
  sight.unseen('other users’ processes', 'permission denied');
  return undefined;
}

/** Works through a list, some at a time. */
export async function inGroups<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
