/** The way out of the machine: routes, resolvers, names that are set by hand, the machine's own firewall. */
import { isIP } from 'node:net';
import type { NetworkEvidence } from '@rollcall/diagnosis';
import type { Sight } from '../machine/sight.ts';
import { readFirewall } from './firewall.ts';

/** Looks at the network. `hosts` are the names of endpoints. */
export async function readNetwork(sight: Sight, hosts: readonly string[]): Promise<NetworkEvidence> {
  const [route4, route6, resolver, nsswitch, hostsText, interfaces, firewall] = await Promise.all([
    readDefaultRoute4(sight),
    readDefaultRoute6(sight),
    readResolvers(sight),
    sight.text('/etc/nsswitch.conf', 65_536),
    sight.text('/etc/hosts', 1_000_000),
    readInterfaces(sight),
    readFirewall(sight),
  ]);
  const sources = /^hosts:\s*(.*?)\s*(?:#.*)?$/m.exec(nsswitch ?? '')?.[1];
  const entries = hostsEntries(hostsText ?? '', hosts);
  return {
    resolvers: resolver.servers,
    interfaces,
    ...(route4 === undefined ? {} : { defaultRoute4: route4 }),
    ...(route6 === undefined ? {} : { defaultRoute6: route6 }),
    ...(resolver.search.length === 0 ? {} : { searchDomains: resolver.search }),
    ...(sources === undefined ? {} : { nameSources: sources.split(/\s+/).slice(0, 20) }),
    ...(entries.length === 0 ? {} : { hostsEntries: entries }),
    ...(firewall === undefined ? {} : { firewall }),
  };
}

/** The resolvers that `resolv.conf` names; without one, the system asks itself. */
export async function readResolvers(sight: Sight): Promise<{ servers: string[]; search: string[] }> {
  const text = (await sight.text('/etc/resolv.conf', 65_536)) ?? '';
  const servers: string[] = [];
  let search: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === 'nameserver' && values[0] !== undefined && isIP(values[0].replace(/%.*/, '')))
      servers.push(values[0]);
    // Of several lines the last counts.
    if (key === 'search' || key === 'domain') search = values.slice(0, 8);
  }
  return { servers: servers.slice(0, 3), search };
}

interface Way {
  readonly device: string;
  readonly via?: string;
}

async function readDefaultRoute4(sight: Sight): Promise<Way | undefined> {
  const text = await sight.text('/proc/net/route', 1_000_000);
  let best: (Way & { metric: number }) | undefined;
  for (const line of text?.split('\n').slice(1) ?? []) {
    const [device, target, gateway, flags, , , metric, mask] = line.trim().split(/\s+/);
    if (device === undefined || target !== '00000000' || mask !== '00000000') continue;
    // Only what is up, and not what refuses.
    const bits = Number.parseInt(flags ?? '0', 16);
    if ((bits & 1) === 0 || (bits & 0x200) !== 0) continue;
    if (best !== undefined && best.metric <= Number(metric)) continue;
    const via = fromHex4(gateway ?? '');
    best = { device, metric: Number(metric), ...(via === '0.0.0.0' ? {} : { via }) };
  }
  if (best === undefined) return undefined;
  const { metric: _, ...way } = best;
  return way;
}

/** The kernel writes an address as the number it is in this machine's memory. */
function fromHex4(hex: string): string {
  const bytes = hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return bytes.reverse().join('.');
}

async function readDefaultRoute6(sight: Sight): Promise<Way | undefined> {
  const text = await sight.text('/proc/net/ipv6_route', 1_000_000);
  let best: (Way & { metric: number }) | undefined;
  for (const line of text?.split('\n') ?? []) {
    const [target, length, , , gateway, metricHex, , , flags, device] = line.trim().split(/\s+/);
    if (device === undefined || device === 'lo' || !/^0{32}$/.test(target ?? '') || length !== '00') continue;
    const bits = Number.parseInt(flags ?? '0', 16);
    if ((bits & 1) === 0 || (bits & 0x200) !== 0) continue;
    const metric = Number.parseInt(metricHex ?? '0', 16);
    if (best !== undefined && best.metric <= metric) continue;
    const via = /^0{32}$/.test(gateway ?? '') ? undefined : (gateway ?? '').replace(/(.{4})(?=.)/g, '$1:');
    best = { device, metric, ...(via === undefined ? {} : { via: compact6(via) }) };
  }
  if (best === undefined) return undefined;
  const { metric: _, ...way } = best;
  return way;
}

function compact6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

async function readInterfaces(sight: Sight): Promise<NetworkEvidence['interfaces']> {
  const addresses = sight.interfaces();
  const names = new Set([...((await sight.list('/sys/class/net', 1000)) ?? []), ...Object.keys(addresses)]);
  const all = await Promise.all(
    [...names].slice(0, 64).map(async (name) => {
      const state = (await sight.text(`/sys/class/net/${name}/operstate`, 40))?.trim();
      const mtu = Number.parseInt((await sight.text(`/sys/class/net/${name}/mtu`, 40)) ?? '', 10);
      const own = (addresses[name] ?? []).map(({ address }) => address.replace(/%.*/, ''));
      return {
        name,
        // Tunnels and the like don't know; with an address they are as good as up.
        up: state === 'up' || (state !== 'down' && own.length > 0),
        addresses: own,
        ...(Number.isNaN(mtu) ? {} : { mtu }),
      };
    }),
  );
  return all.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Lines of `/etc/hosts` that name one of the hosts. */
export function hostsEntries(text: string, hosts: readonly string[]): string[] {
  // That this machine is called `localhost` is no news.
  const wanted = new Set(hosts.map((host) => host.toLowerCase()).filter((host) => host !== 'localhost'));
  const found: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || !names.some((name) => wanted.has(name.toLowerCase()))) continue;
    found.push([address, ...names].join(' ').slice(0, 200));
  }
  return found.slice(0, 10);
}
