/** What kind of machine this is. */
import { arch, hostname, release } from 'node:os';
import type { HostEvidence } from '@rollcall/diagnosis';
import type { Sight } from './sight.ts';

/** Looks at the machine. */
export async function readHost(sight: Sight, bootAt: number | undefined): Promise<HostEvidence> {
  const { platform } = sight;
  const addresses: string[] = [];
  const macs = new Set<string>();
  for (const entries of Object.values(sight.interfaces())) {
    for (const { address, mac, internal } of entries ?? []) {
      if (internal) continue;
      addresses.push(address.replace(/%.*/, ''));
      if (mac !== '00:00:00:00:00:00') macs.add(mac);
    }
  }
  const common = { addresses, macs: [...macs], arch: arch() };
  if (platform !== 'linux') {
    const name = platform === 'darwin' ? 'MacOS' : platform === 'win32' ? 'Windows' : 'other';
    return {
      ...common,
      name: hostname(),
      os: { id: platform, name, version: release() },
      platform: name,
      kernel: release(),
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
  }
  const line = async (path: string) => (await sight.text(path, 4096))?.trim() || undefined;
  const [
    name,
    kernel,
    bootId,
    machineId,
    systemUuid,
    systemVendor,
    init,
    container,
    timeZone,
    libc,
    fips,
    listens,
  ] = await Promise.all([
    line('/proc/sys/kernel/hostname'),
    line('/proc/sys/kernel/osrelease'),
    line('/proc/sys/kernel/random/boot_id'),
    line('/etc/machine-id'),
    sight.privileged ? line('/sys/class/dmi/id/product_uuid') : undefined,
    line('/sys/class/dmi/id/sys_vendor'),
    findInit(sight),
    isContainer(sight),
    findTimeZone(sight),
    findLibc(sight),
    line('/proc/sys/crypto/fips_enabled'),
    findListeners(sight),
  ]);
  return {
    ...common,
    name: name ?? hostname(),
    os: await readOs(sight),
    platform: 'Linux',
    kernel: kernel ?? release(),
    init,
    container,
    ...(libc === undefined ? {} : { libc }),
    ...(bootAt === undefined ? {} : { bootAt }),
    ...(bootId === undefined ? {} : { bootId }),
    ...(machineId === undefined ? {} : { machineId }),
    ...(systemUuid === undefined ? {} : { systemUuid: systemUuid.toUpperCase() }),
    ...(systemVendor === undefined ? {} : { systemVendor }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(fips === '1' ? { fips: true } : {}),
    ...(listens === undefined ? {} : { listens }),
  };
}

async function readOs(sight: Sight): Promise<HostEvidence['os']> {
  const text = (await sight.text('/etc/os-release')) ?? (await sight.text('/usr/lib/os-release')) ?? '';
  const value = (name: string) =>
    new RegExp(`^${name}=(["']?)(.*)\\1\\s*$`, 'm').exec(text)?.[2]?.slice(0, 100) ?? '';
  return { id: value('ID') || 'linux', name: value('NAME') || 'Linux', version: value('VERSION_ID') };
}

/** What starts and watches services. */
async function findInit(sight: Sight): Promise<NonNullable<HostEvidence['init']>> {
  const there = async (path: string) => (await sight.facts(path)) !== undefined;
  if (await there('/run/systemd/system')) return 'systemd';
  if ((await there('/run/openrc')) || (await there('/run/openrc/softlevel'))) return 'openrc';
  if (await there('/sbin/openrc-run')) return 'openrc';
  if ((await there('/sbin/upstart')) || (await there('/etc/init/rcS.conf'))) return 'upstart';
  const first = (await sight.text('/proc/1/comm', 64))?.trim();
  if (first === 'init' && (await there('/etc/inittab'))) return 'sysvinit';
  return first === undefined || first === 'init' ? 'other' : 'none';
}

async function isContainer(sight: Sight): Promise<boolean> {
  for (const path of ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'])
    if ((await sight.facts(path)) !== undefined) return true;
  const group = await sight.text('/proc/1/cgroup', 8192);
  return /docker|containerd|kubepods|libpod|\blxc\b/.test(group ?? '');
}

async function findTimeZone(sight: Sight): Promise<string | undefined> {
  const link = await sight.link('/etc/localtime');
  const named = link === undefined ? undefined : /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(link)?.[1];
  return named ?? (await sight.text('/etc/timezone', 200))?.trim();
}

/** Our agent needs glibc 2.28; the process that looks may run on another library than the machine's. */
async function findLibc(sight: Sight): Promise<HostEvidence['libc']> {
  for (const folder of ['/lib', '/usr/lib']) {
    const musl = (await sight.list(folder))?.find((name) => /^ld-musl-/.test(name));
    if (musl !== undefined) return { kind: 'musl', version: '' };
  }
  const ran = await sight.run('getconf', ['GNU_LIBC_VERSION'], 400);
  const version = /^glibc ([\d.]+)/.exec(ran?.out ?? '')?.[1];
  return version === undefined ? undefined : { kind: 'glibc', version };
}

/** The ports that something listens on. */
async function findListeners(sight: Sight): Promise<number[] | undefined> {
  const texts = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => sight.text(path)));
  if (texts.every((text) => text === undefined)) return undefined;
  const ports = new Set<number>();
  for (const text of texts)
    for (const match of text?.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm) ?? [])
      ports.add(Number.parseInt(match[1]!, 16));
  return [...ports].sort((one, other) => one - other).slice(0, 200);
}
