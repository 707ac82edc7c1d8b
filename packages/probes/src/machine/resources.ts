/** Room: disks, memory, files, watches; and what the kernel refused. */
import type { ResourceEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';
import { inGroups, type ProcessTable } from './processes.ts';
import type { Sight } from './sight.ts';

/** What of the agents matters for their room. */
export interface ResourceOptions {
  /** Folders that agents write to. */
  readonly folders: readonly string[];
  /** Where commands leave what they left. */
  readonly orchestration: readonly string[];
  readonly processes: ProcessTable | undefined;
}

/** Looks at the machine's room. */
export async function readResources(sight: Sight, options: ResourceOptions): Promise<ResourceEvidence> {
  const paths = [...new Set([...options.folders, '/', '/var', '/tmp'])];
  const [disks, memory, kernel, pressure, load, cores, inotify, files, processes, entries, security] =
    await Promise.all([
      readDisks(sight, paths),
      readMemory(sight),
      readKernelLog(sight, options.processes?.bootAt),
      readPressure(sight),
      sight.text('/proc/loadavg', 200),
      sight.text('/proc/cpuinfo', 1_000_000),
      readInotify(sight),
      sight.text('/proc/sys/fs/file-nr', 200),
      readProcessLimit(sight),
      countEntries(sight, options.orchestration),
      readSecurity(sight),
    ]);
  const count = cores?.match(/^processor\s*:/gm)?.length;
  const [open, , most] = (files ?? '').trim().split(/\s+/).map(Number);
  const denials = [...kernel.denials, ...security.denials].slice(-5);
  return {
    disks,
    ...(memory === undefined
      ? {}
      : { memory: { ...memory, ...(kernel.seen ? { kills: kernel.kills } : {}) } }),
    ...(pressure === undefined ? {} : { pressure }),
    ...(load === undefined ? {} : { load: Number.parseFloat(load) }),
    ...(count === undefined ? {} : { cores: count }),
    ...(inotify === undefined ? {} : { inotify }),
    ...(open === undefined || most === undefined ? {} : { files: { open, max: most } }),
    ...(options.processes === undefined || processes === undefined
      ? {}
      : { processes: { count: options.processes.count, max: processes } }),
    ...(entries === undefined ? {} : { orchestrationEntries: entries }),
    security: {
      ...(security.selinux === undefined ? {} : { selinux: security.selinux }),
      apparmor: security.apparmor,
      ...(denials.length === 0 ? {} : { denials }),
    },
  };
}

interface Mount {
  readonly at: string;
  readonly options: readonly string[];
}

async function readDisks(sight: Sight, paths: readonly string[]): Promise<ResourceEvidence['disks']> {
  const text = (await sight.text('/proc/self/mountinfo')) ?? '';
  const mounts: Mount[] = text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const at = fields[4];
    if (at === undefined) return [];
    const superOptions = fields.at(-1)?.split(',') ?? [];
    return [
      {
        at: at.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
        // A file system that turned read-only after an error says so only in its own options.
        options: [...(fields[5]?.split(',') ?? []), ...(superOptions.includes('ro') ? ['ro'] : [])],
      },
    ];
  });
  const disks: ResourceEvidence['disks'][number][] = [];
  for (const path of paths) {
    const room = await sight.room(path);
    if (room === undefined) continue;
    let mount: Mount | undefined;
    for (const candidate of mounts) {
      const inside = path === candidate.at || path.startsWith(candidate.at.replace(/\/?$/, '/'));
      // Of two on one place, the later one is on top.
      if (inside && candidate.at.length >= (mount?.at.length ?? 0)) mount = candidate;
    }
    disks.push({
      path,
      mount: mount?.at ?? '/',
      ...room,
      readOnly: mount?.options.includes('ro') ?? false,
      noexec: mount?.options.includes('noexec') ?? false,
    });
  }
  return disks;
}

async function readMemory(sight: Sight): Promise<{ totalBytes: number; availableBytes: number } | undefined> {
  const text = (await sight.text('/proc/meminfo', 16_384)) ?? '';
  const bytes = (name: string) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  const totalBytes = bytes('MemTotal');
  // Kernels before 3.14 don't reckon what is available.
  const availableBytes = bytes('MemAvailable') ?? (bytes('MemFree') ?? 0) + (bytes('Cached') ?? 0);
  return totalBytes === undefined ? undefined : { totalBytes, availableBytes };
}

const agentNames = /amazon-ssm-agen|ssm-agent-worke|ssm-document-wo|ssm-session-|rollcall/;

interface KernelLog {
  readonly seen: boolean;
  readonly kills: { at?: number; process: string }[];
  readonly denials: string[];
}

/** Kills for want of memory, and denials, that were an agent's. */
async function readKernelLog(sight: Sight, bootAt: number | undefined): Promise<KernelLog> {
  const nothing: KernelLog = { seen: false, kills: [], denials: [] };
  const ran = await sight.run('dmesg', [], 600);
  if (ran === undefined || ran.code !== 0) {
    const why = ran === undefined ? 'there is no dmesg' : ran.err.trim().split('\n')[0]?.slice(0, 120);
    sight.unseen('kernel log', /not permitted/i.test(why ?? '') ? 'permission denied' : (why ?? 'failed'));
    return nothing;
  }
  return parseKernelLog(ran.out, bootAt);
}

/** Reads the kernel's messages. A kill counts when the victim, or its group, is an agent's. */
export function parseKernelLog(text: string, bootAt: number | undefined): KernelLog {
  const kills: { at?: number; process: string }[] = [];
  const denials: string[] = [];
  let group = '';
  for (const line of text.split('\n')) {
    const kill = /^oom-kill:|\boom-kill:/.test(line);
    if (kill) group = /task_memcg=([^,\s]*)/.exec(line)?.[1] ?? '';
    const victim = /Kill(?:ed)? process \d+ \(([^)]{1,40})\)/.exec(line)?.[1];
    if (victim !== undefined) {
      if (agentNames.test(victim) || agentNames.test(group)) {
        const seconds = /^\[\s*(\d+\.\d+)\]/.exec(line)?.[1];
        const at =
          seconds === undefined || bootAt === undefined ? undefined : bootAt + Number(seconds) * 1000;
        kills.push({ process: victim, ...(at === undefined ? {} : { at: Math.round(at) }) });
      }
      group = '';
    }
    if (isDenial(line)) denials.push(redactText(line, 300));
  }
  return { seen: true, kills: kills.slice(-10), denials: denials.slice(-5) };
}

function isDenial(line: string): boolean {
  return (
    /avc:\s+denied|apparmor="DENIED"|type=FANOTIFY.*resp=2|type=1400/i.test(line) &&
    /amazon-ssm|ssm-agent-w|ssm-document|ssm-session|rollcall/.test(line)
  );
}

async function readPressure(sight: Sight): Promise<ResourceEvidence['pressure']> {
  const share = async (what: string, kind: string) => {
    const text = await sight.text(`/proc/pressure/${what}`, 1000);
    const found = new RegExp(`^${kind} .*avg60=([\\d.]+)`, 'm').exec(text ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const [cpu, memory, io] = await Promise.all([
    share('cpu', 'some'),
    share('memory', 'full'),
    share('io', 'full'),
  ]);
  if (cpu === undefined && memory === undefined && io === undefined) return undefined;
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(io === undefined ? {} : { io }),
  };
}

/** Watches are counted for each user; agents are root, so root's are. */
async function readInotify(sight: Sight): Promise<ResourceEvidence['inotify']> {
  const number = async (path: string) => {
    const text = await sight.text(path, 100);
    return text === undefined || !/^\d+/.test(text) ? undefined : Number(text.trim());
  };
  const maxInstances = await number('/proc/sys/fs/inotify/max_user_instances');
  const maxWatches = await number('/proc/sys/fs/inotify/max_user_watches');
  if (maxInstances === undefined || maxWatches === undefined) return undefined;
  const counted = sight.privileged ? await countInotify(sight) : undefined;
  if (counted === undefined)
    sight.unseen('inotify watches', sight.privileged ? 'too many files' : 'permission denied');
  return { maxInstances, maxWatches, ...(counted ?? {}) };
}

async function countInotify(sight: Sight): Promise<{ instances: number; watches: number } | undefined> {
  const until = performance.now() + Math.min(500, sight.remaining());
  const pids = ((await sight.list('/proc', 100_000)) ?? []).filter((name) => /^\d+$/.test(name));
  let instances = 0;
  let watches = 0;
  let whole = true;
  await inGroups(pids, 16, async (pid) => {
    if (performance.now() > until) {
      whole = false;
      return;
    }
    // The folder belongs to whom the process belongs to.
    if ((await sight.facts(`/proc/${pid}`))?.uid !== 0) return;
    const files = (await sight.list(`/proc/${pid}/fd`, 20_000)) ?? [];
    if (files.length > 2000) whole = false;
    for (const file of files.slice(0, 2000)) {
      const target = await sight.link(`/proc/${pid}/fd/${file}`);
      if (target !== 'anon_inode:inotify') continue;
      instances += 1;
      const info = await sight.text(`/proc/${pid}/fdinfo/${file}`);
      watches += info?.match(/^inotify /gm)?.length ?? 0;
    }
  });
  return whole ? { instances, watches } : undefined;
}

async function readProcessLimit(sight: Sight): Promise<number | undefined> {
  const numbers = await Promise.all(
    ['/proc/sys/kernel/pid_max', '/proc/sys/kernel/threads-max'].map(async (path) =>
      Number.parseInt((await sight.text(path, 100)) ?? '', 10),
    ),
  );
  const known = numbers.filter((number) => number > 0);
  return known.length === 0 ? undefined : Math.min(...known);
}

async function countEntries(sight: Sight, folders: readonly string[]): Promise<number | undefined> {
  let count: number | undefined;
  for (const folder of folders) {
    const names = await sight.list(folder, 200_000);
    if (names !== undefined) count = (count ?? 0) + names.length;
  }
  return count;
}

async function readSecurity(sight: Sight): Promise<{
  selinux?: 'enforcing' | 'permissive' | 'disabled';
  apparmor: boolean;
  denials: string[];
}> {
  const [enforce, settings, apparmor, audit] = await Promise.all([
    sight.text('/sys/fs/selinux/enforce', 10),
    sight.text('/etc/selinux/config', 16_384),
    sight.text('/sys/module/apparmor/parameters/enabled', 10),
    sight.privileged ? sight.tail('/var/log/audit/audit.log', 131_072) : undefined,
  ]);
  const selinux =
    enforce !== undefined
      ? enforce.trim() === '1'
        ? ('enforcing' as const)
        : ('permissive' as const)
      : settings === undefined
        ? undefined
        : ('disabled' as const);
  const denials = (audit ?? '').split('\n').filter(isDenial).slice(-5);
  return {
    ...(selinux === undefined ? {} : { selinux }),
    apparmor: apparmor?.trim() === 'Y',
    denials: denials.map((line) => redactText(line, 300)),
  };
}
