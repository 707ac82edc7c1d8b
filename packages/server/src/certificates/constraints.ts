/**
 * The name constraints of our CA: what it may vouch for, fixed when it is made. Whoever trusts the CA
 * thereby trusts it for these names only, never for the public web.
 */

import type { X509Certificate } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { der, elements, identifier, sequence } from './der.ts';
import { block, type Names, plainHost } from './names.ts';

/** Permitted DNS suffixes (each with everything below it) and address blocks in CIDR form. */
export interface Constraints {
  readonly dns: readonly string[];
  readonly blocks: readonly string[];
}

/** Object identifier of the extension. */
export const nameConstraints = '2.5.29.30';

/** Private, shared (RFC 6598), loopback and link-local blocks. */
const privateBlocks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** Suffixes that no public registry hands out. */
const privateSuffixes = ['localhost', 'lan', 'local', 'internal', 'home.arpa'];

/** What a CA made now may vouch for: everything private, and the given hosts (names or addresses). */
export function constraintsFor(hosts: readonly string[]): Constraints {
  const names = hosts.map((host) => plainHost(host).replace(/^\*\./, ''));
  const fixed: Constraints = { dns: privateSuffixes, blocks: privateBlocks };
  const added = names.filter((name) => name !== '' && !permits(fixed, name));
  return {
    dns: [...new Set([...privateSuffixes, ...added.filter((name) => isIP(name) === 0)])],
    blocks: [
      ...new Set([
        ...privateBlocks,
        ...added.filter((name) => isIP(name) !== 0).map((ip) => `${ip}/${isIPv6(ip) ? 128 : 32}`),
      ]),
    ],
  };
}

/** Whether the CA may vouch for a name, a wildcard or an address. */
export function permits(constraints: Constraints, host: string): boolean {
  const name = plainHost(host).replace(/^\*\./, '');
  if (isIP(name)) {
    return constraints.blocks.some(
      (cidr) =>
        isIPv6(cidr.split('/')[0]!) === isIPv6(name) &&
        block(cidr).check(name, isIPv6(name) ? 'ipv6' : 'ipv4'),
    );
  }
  return constraints.dns.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
}

/** Splits names into those that the CA may vouch for and those that are left out. */
export function permitted(constraints: Constraints, names: Names): { names: Names; leftOut: string[] } {
  const may = (host: string) => permits(constraints, host);
  return {
    names: { dns: names.dns.filter(may), addresses: names.addresses.filter(may) },
    leftOut: [...names.dns, ...names.addresses].filter((host) => !may(host)),
  };
}

/** The extension's value. */
export function encodeConstraints(constraints: Constraints): Buffer {
  return sequence(
    der(
      0xa0,
      ...constraints.dns.map((suffix) => sequence(der(0x82, Buffer.from(suffix)))),
      ...constraints.blocks.map((cidr) => {
        const [address = '', prefix] = cidr.split('/');
        const bytes = addressBytes(address);
        const mask = bytes.map(
          (_, index) => 0xff & ~(0xff >> Math.min(8, Math.max(0, Number(prefix) - index * 8))),
        );
        return sequence(der(0x87, bytes, mask));
      }),
    ),
  );
}

/** What a certificate's constraints say, or undefined when it has none. */
export function readConstraints(certificate: X509Certificate): Constraints | undefined {
  const tbs = elements(elements(elements(certificate.raw)[0]!.content)[0]!.content);
  const extensions = tbs.find((element) => element.tag === 0xa3);
  const wanted = identifier(nameConstraints);
  for (const extension of extensions ? elements(elements(extensions.content)[0]!.content) : []) {
    if (!extension.content.subarray(0, wanted.length).equals(wanted)) continue;
    const value = elements(elements(extension.content).at(-1)!.content)[0]!;
    const subtrees = elements(value.content).filter((element) => element.tag === 0xa0);
    const bases = subtrees.flatMap((tree) =>
      elements(tree.content).map((entry) => elements(entry.content)[0]!),
    );
    return {
      dns: bases.filter((base) => base.tag === 0x82).map((base) => base.content.toString('latin1')),
      blocks: bases.filter((base) => base.tag === 0x87).map((base) => readBlock(base.content)),
    };
  }
  return undefined;
}

/** The 4 or 16 bytes of an address in canonical text. */
export function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = plainHost(address).split('::');
  const groups = (text: string | undefined) =>
    text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [];
  const start = groups(head);
  const end = groups(tail);
  const bytes = Buffer.alloc(16);
  start.forEach((group, index) => void bytes.writeUInt16BE(group, index * 2));
  end.forEach((group, index) => void bytes.writeUInt16BE(group, 16 - (end.length - index) * 2));
  return bytes;
}

function readBlock(content: Buffer): string {
  const half = content.length / 2;
  const prefix = [...content.subarray(half)].reduce((sum, byte) => sum + ones(byte), 0);
  const address = content.subarray(0, half);
  const text =
    half === 4
      ? [...address].join('.')
      : plainHost(
          Array.from({ length: 8 }, (_, index) => address.readUInt16BE(index * 2).toString(16)).join(':'),
        );
  return `${text}/${prefix}`;
}

function ones(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}
