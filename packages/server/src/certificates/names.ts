/** Which names a server answers to, and which of them a certificate or a constraint covers. */

import type { X509Certificate } from 'node:crypto';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** Names for a certificate: DNS names (perhaps with a leading `*.`) and IP addresses, lower case, sorted. */
export interface Names {
  readonly dns: readonly string[];
  readonly addresses: readonly string[];
}

/** Where the server's names come from. */
export interface NameSources {
  /** The URLs under which others reach this server. */
  readonly publicUrls: readonly string[];
  /** The service domain, for `ssm.REGION.DOMAIN` and its siblings. */
  readonly domain?: string;
  readonly regions: readonly string[];
  /** This host's names, as others see it; read again now and then. */
  hostNames(): readonly string[];
  /** This host's current addresses; read again now and then. */
  addresses(): readonly string[];
}

/** A DNS name that may stand in a certificate; leaves out underscores and empty labels. */
const dnsName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The host of each URL: lower case, without the brackets of IPv6. */
export function publicHosts(urls: readonly string[]): string[] {
  return urls.map((url) => plainHost(new URL(url).hostname));
}

/** A host as it stands in a certificate: lower case, without brackets, zone or final dot. */
export function plainHost(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  const address = bare.split('%')[0]!;
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : bare;
}

/** All the names that the server should answer to, whether or not a CA may vouch for them. */
export function wantedNames(sources: NameSources): Names {
  const hosts = [
    'localhost',
    '127.0.0.1',
    '::1',
    ...publicHosts(sources.publicUrls),
    ...sources.hostNames().map(plainHost),
    ...sources.addresses().map(plainHost),
    ...regionNames(sources),
  ];
  return sortNames(hosts);
}

/** One wildcard a region: it covers `ssm.`, `ssmmessages.` and `ec2messages.`, which agents build from a domain. */
function regionNames({ domain, regions }: NameSources): string[] {
  return domain === undefined ? [] : regions.map((region) => `*.${region}.${plainHost(domain)}`);
}

/** Splits hosts into DNS names and addresses, each once; drops what can't stand in a certificate. */
export function sortNames(hosts: readonly string[]): Names {
  const unique = [...new Set(hosts)].sort();
  return {
    dns: unique.filter((host) => isIP(host) === 0 && host.length <= 253 && dnsName.test(host)),
    addresses: unique.filter((host) => isIP(host) !== 0),
  };
}

/** Whether a certificate for `names` is good for `host`. A wildcard stands for exactly one label. */
export function covers(names: Names, host: string): boolean {
  const wanted = plainHost(host);
  if (isIP(wanted)) return names.addresses.includes(wanted);
  return names.dns.includes(wanted) || names.dns.includes(wanted.replace(/^[^.]+/, '*'));
}

/** The names in a certificate's subjectAltName. */
export function namesOf(certificate: X509Certificate): Names {
  const entries = (certificate.subjectAltName ?? '').split(', ');
  return sortNames(
    entries.flatMap((entry) => {
      const value = /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1];
      return value === undefined ? [] : [plainHost(value)];
    }),
  );
}

/** A CIDR block, e.g. `10.0.0.0/8`, as something that can be asked whether it holds an address. */
export function block(cidr: string): BlockList {
  const [address = '', prefix] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(address, Number(prefix ?? (isIPv6(address) ? 128 : 32)), isIPv6(address) ? 'ipv6' : 'ipv4');
  return list;
}

/** This machine's names as the system knows them: the host name, and its first label. */
export function machineNames(): string[] {
  const name = plainHost(hostname());
  return [...new Set([name, name.split('.')[0]!])].filter((host) => host !== '');
}

/** This machine's addresses on all interfaces that are up. */
export function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address));
}
