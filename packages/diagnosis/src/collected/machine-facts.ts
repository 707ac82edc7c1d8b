/** Host, room and network of a machine, from what the script said of them. */
import type { ClockEvidence, HostEvidence, NetworkEvidence, ResourceEvidence } from '../evidence/index.ts';
import type { Facts } from './facts.ts';
import { redactText } from './redact-text.ts';

/** A word that came from outside, safe to show. */
export function shown(text: string | undefined, most = 200): string | undefined {
  return text === undefined ? undefined : redactText(text, most);
}

/** The machine. */
export function hostFrom(facts: Facts): HostEvidence {
  const one = (key: string) => shown(facts.one('host', key));
  const system = facts.one('host', 'system');
  const platform = /^(linux)/i.test(system ?? '')
    ? 'Linux'
    : /darwin/i.test(system ?? '')
      ? 'MacOS'
      : /windows|mingw|cygwin/i.test(system ?? '')
        ? 'Windows'
        : 'other';
  const boot = facts.count('host', 'boot');
  const libc = /^(glibc|musl)(?: ([\d.]+))?/.exec(
    facts.all('host', 'libc').find((text) => text !== '') ?? '',
  );
  const init = facts.one('host', 'init');
  const arch = one('arch') ?? '';
  const archs: Readonly<Record<string, string>> = {
    x86_64: 'x64',
    amd64: 'x64',
    AMD64: 'x64',
    aarch64: 'arm64',
  };
  const uuid = one('uuid');
  return {
    name: one('name') ?? '',
    os: { id: one('os.ID') ?? '', name: one('os.NAME') ?? '', version: one('os.VERSION_ID') ?? '' },
    platform,
    kernel: one('kernel') ?? '',
    arch: archs[arch] ?? arch,
    addresses: [...new Set(facts.all('host', 'address'))].slice(0, 64).map((text) => redactText(text, 60)),
    macs: [...new Set(facts.all('host', 'mac'))].slice(0, 64).map((text) => redactText(text, 40)),
    container: facts.one('host', 'container') !== undefined,
    init:
      init === 'systemd' || init === 'openrc' || init === 'upstart' || init === 'windows' ? init : 'other',
    ...(libc === null ? {} : { libc: { kind: libc[1] as 'glibc' | 'musl', version: libc[2] ?? '' } }),
    ...(boot === undefined ? {} : { bootAt: boot * 1000 }),
    ...(one('bootid') === undefined ? {} : { bootId: one('bootid')! }),
    ...(one('machineid') === undefined ? {} : { machineId: one('machineid')! }),
    ...(one('vendor') === undefined ? {} : { systemVendor: one('vendor')! }),
    ...(uuid === undefined ? {} : { systemUuid: uuid.toUpperCase() }),
    ...(one('timezone') === undefined ? {} : { timeZone: one('timezone')! }),
    ...(one('imagestate') === undefined ? {} : { imageState: one('imagestate')! }),
    ...(facts.one('host', 'fips') === '1' ? { fips: true } : {}),
  };
}

/** Its room. */
export function resourcesFrom(facts: Facts): ResourceEvidence {
  const mounts = facts.all('disk', 'mount').flatMap((line) => {
    const [at, options] = line.split(' ');
    return at === undefined || options === undefined ? [] : [{ at, options: options.split(',') }];
  });
  const disks: ResourceEvidence['disks'][number][] = [];
  for (const { rest: path, value } of facts.under('disk', 'bytes.')) {
    // device 1024-blocks used available capacity mount; what is kept back for root counts as free for it.
    const fields = value.trim().split(' ');
    const [total, used] = fields.slice(-5, -3).map(Number);
    const mount = fields.at(-1) ?? '/';
    if (!(total! >= 0) || !(used! >= 0) || disks.length >= 20) continue;
    const inodes = facts.one('disk', `inodes.${path}`)?.split(' ').slice(-5) ?? [];
    const [allInodes, , freeInodes] = inodes.map(Number);
    const options = mounts.findLast(({ at }) => at === mount)?.options;
    disks.push({
      path: redactText(path, 200),
      mount: redactText(mount, 200),
      totalBytes: total! * 1024,
      freeBytes: Math.max(0, total! - used!) * 1024,
      ...(allInodes! > 0 && freeInodes! >= 0 ? { totalInodes: allInodes!, freeInodes: freeInodes! } : {}),
      ...(options === undefined
        ? {}
        : { readOnly: options.includes('ro'), noexec: options.includes('noexec') }),
    });
  }
  const memory = new Map(facts.all('room', 'memory').map((line) => line.split(' ') as [string, string]));
  const kilobytes = (name: string) => {
    const text = memory.get(name);
    return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) * 1024 : undefined;
  };
  const totalBytes = kilobytes('MemTotal');
  const availableBytes = kilobytes('MemAvailable') ?? kilobytes('MemFree');
  const kernel = facts.all('kernel', 'line');
  const bootAt = (facts.count('host', 'boot') ?? Number.NaN) * 1000;
  const kills = kernel.flatMap((line) => {
    const process = /Kill(?:ed)? process \d+ \(([^)]{1,40})\)/.exec(line)?.[1];
    const seconds = /^\[\s*(\d+\.\d+)\]/.exec(line)?.[1];
    const at = Math.round(bootAt + Number(seconds) * 1000);
    return process === undefined
      ? []
      : [{ process: redactText(process, 40), ...(Number.isNaN(at) ? {} : { at }) }];
  });
  const denials = kernel.filter((line) => /avc: +denied|apparmor="DENIED"/.test(line));
  const share = (what: string, kind: string) => {
    const line = facts.all('room', `pressure.${what}`).find((text) => text.startsWith(kind));
    const found = /avg60=(\d+(?:\.\d+)?)/.exec(line ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const pressure = {
    cpu: share('cpu', 'some'),
    memory: share('memory', 'full'),
    io: share('io', 'full'),
  };
  const load = Number.parseFloat(facts.one('room', 'load') ?? '');
  const cores = facts.count('room', 'cores');
  const pair = (key: string, first: number, second: number) => {
    const numbers = (facts.one('room', key) ?? '').split(' ').map(Number);
    const [one, two] = [numbers[first], numbers[second]];
    return one !== undefined && two !== undefined && one >= 0 && two > 0 ? ([one, two] as const) : undefined;
  };
  const files = pair('files', 0, 2);
  const inotify = pair('inotify', 0, 1);
  const processes = pair('processes', 0, 1);
  const entries = facts
    .all('room', 'orchestration')
    .map(Number)
    .filter((count) => count >= 0);
  const selinux = facts.one('room', 'selinux');
  return {
    disks,
    ...(totalBytes === undefined || availableBytes === undefined
      ? {}
      : { memory: { totalBytes, availableBytes, ...(kills.length === 0 ? {} : { kills }) } }),
    ...(Object.values(pressure).every((value) => value === undefined)
      ? {}
      : {
          pressure: {
            ...(pressure.cpu === undefined ? {} : { cpu: pressure.cpu }),
            ...(pressure.memory === undefined ? {} : { memory: pressure.memory }),
            ...(pressure.io === undefined ? {} : { io: pressure.io }),
          },
        }),
    ...(Number.isNaN(load) ? {} : { load }),
    ...(cores === undefined || cores === 0 ? {} : { cores }),
    ...(files === undefined ? {} : { files: { open: files[0], max: files[1] } }),
    ...(inotify === undefined ? {} : { inotify: { maxInstances: inotify[0], maxWatches: inotify[1] } }),
    ...(processes === undefined ? {} : { processes: { count: processes[0], max: processes[1] } }),
    ...(entries.length === 0 ? {} : { orchestrationEntries: entries.reduce((sum, count) => sum + count, 0) }),
    security: {
      ...(selinux === '1' || selinux === '0'
        ? { selinux: selinux === '1' ? ('enforcing' as const) : ('permissive' as const) }
        : {}),
      apparmor: facts.one('room', 'apparmor') === 'Y',
      ...(denials.length === 0 ? {} : { denials: denials.slice(-5).map((line) => redactText(line, 300)) }),
    },
  };
}

/** Its network. */
export function networkFrom(facts: Facts): NetworkEvidence {
  const resolv = facts.all('net', 'resolv').map((line) => line.trim().split(/\s+/));
  const sources = /^hosts:\s*(.*)$/.exec(facts.one('net', 'nsswitch') ?? '')?.[1];
  const rules = facts.all('net', 'firewall');
  const policy =
    /^:OUTPUT (\w+)/.exec(rules.find((rule) => rule.startsWith(':OUTPUT')) ?? '')?.[1] ??
    /hook output.*policy (\w+)/.exec(rules.find((rule) => rule.includes('hook output')) ?? '')?.[1];
  const stopping = rules.filter(
    (rule) =>
      !rule.startsWith(':') && /drop|reject/i.test(rule) && !/INPUT|FORWARD|hook (input|forward)/.test(rule),
  );
  const route = defaultRoute(facts.one('net', 'route') ?? '');
  const route6 = /^default (?:via (\S+) )?dev (\S+)/.exec(facts.one('net', 'route6') ?? '');
  const hosts = facts.groups('endpoint').flatMap((group) => facts.all('endpoint', `${group}.hosts`));
  const search = resolv.findLast(([word]) => word === 'search' || word === 'domain')?.slice(1, 9) ?? [];
  return {
    resolvers: resolv
      .filter(([word]) => word === 'nameserver')
      .slice(0, 3)
      .map(([, address]) => redactText(address ?? '', 60)),
    interfaces: facts
      .under('net', 'card.')
      .slice(0, 64)
      .map(({ rest, value }) => {
        const [state, mtu] = value.split(' ');
        return {
          name: redactText(rest, 40),
          up: state === 'up' || state === 'unknown',
          addresses: [],
          ...(mtu !== undefined && /^\d+$/.test(mtu) ? { mtu: Number(mtu) } : {}),
        };
      }),
    ...(route === undefined ? {} : { defaultRoute4: route }),
    ...(route6 === null
      ? {}
      : {
          defaultRoute6: {
            device: redactText(route6[2]!, 40),
            ...(route6[1] === undefined ? {} : { via: redactText(route6[1], 60) }),
          },
        }),
    ...(search.length === 0 ? {} : { searchDomains: search.map((name) => redactText(name, 253)) }),
    ...(sources === undefined ? {} : { nameSources: redactText(sources.trim(), 200).split(/\s+/) }),
    ...(hosts.length === 0 ? {} : { hostsEntries: hosts.slice(0, 10).map((line) => redactText(line, 200)) }),
    ...(rules.length === 0
      ? {}
      : {
          firewall: {
            kind: rules.some((rule) => rule.startsWith(':OUTPUT')) ? 'iptables' : 'nftables',
            ...(policy === undefined ? {} : { outputPolicy: policy.toLowerCase() }),
            rules: stopping.slice(0, 20).map((rule) => redactText(rule.trim(), 300)),
          },
        }),
  };
}

/** The kernel's table in one line: eleven columns a route, or as many as the kernel has. */
function defaultRoute(text: string): NetworkEvidence['defaultRoute4'] {
  const fields = text.trim().split(/\s+/);
  let best: { device: string; via: string; metric: number } | undefined;
  for (let at = 0; at + 10 < fields.length; at += 11) {
    const [device, target, gateway, flags, , , metric, mask] = fields.slice(at, at + 8) as string[];
    if (target !== '00000000' || mask !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway ?? '')) continue;
    if ((Number.parseInt(flags!, 16) & 0x201) !== 1) continue;
    if (best !== undefined && best.metric <= Number(metric)) continue;
    const via = gateway!
      .match(/../g)!
      .map((pair) => Number.parseInt(pair, 16))
      .reverse()
      .join('.');
    best = { device: redactText(device!, 40), via, metric: Number(metric) };
  }
  if (best === undefined) return undefined;
  return { device: best.device, ...(best.via === '0.0.0.0' ? {} : { via: best.via }) };
}

/** Its clock, but for what the endpoints' answers say. */
export function clockFrom(facts: Facts): ClockEvidence {
  const chrony = facts.one('clock', 'chrony');
  const said = facts.one('clock', 'synchronized');
  const synchronized =
    chrony !== undefined
      ? !/Not synchronised/i.test(chrony)
      : said === 'yes'
        ? true
        : said === 'no'
          ? false
          : undefined;
  const service = facts.one('clock', 'service');
  const zone = shown(facts.one('host', 'timezone'), 60);
  return {
    ...(synchronized === undefined ? {} : { synchronized }),
    ...(service === 'chrony' || service === 'timesyncd' || service === 'ntpd' ? { service } : {}),
    ...(zone === undefined ? {} : { timeZone: zone }),
  };
}
