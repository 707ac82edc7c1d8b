/**
 * The name constraints of our CA: what it may vouch for, fixed when it is made. Whoever trusts the CA
 * thereby trusts it for these names only, never for the public web.
 */

import type { X509Certificate } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { fromBER } from 'asn1js';
import { block, type Names, plainHost } from './names.ts';

/** Permitted DNS suffixes (each with everything below it) and address blocks in CIDR form. */
export interface Constraints {
  readonly dns: readonly string[];
  readonly blocks: readonly string[];
}

/** Object identifier of the extension. */
const nameConstraints = '2.5.29.30';

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

/** What a certificate's constraints say, or undefined when it has none that can be read. */
export function readConstraints(certificate: X509Certificate): Constraints | undefined {
  const tbs = inside(inside(fromBER(certificate.raw).result)[0]);
  const extensions = inside(inside(tbs.find((block) => isTagged(block, 3)))[0]);
  const found = extensions.map(inside).find(([id]) => id?.getValue?.() === nameConstraints);
  const value = found && fromBER(bytesOf(found.at(-1))).result;
  if (value?.error !== '') return undefined;
  const bases = inside(inside(value).find((block) => isTagged(block, 0))).map(
    (subtree) => inside(subtree)[0],
  );
  const of = (tag: number) => bases.filter((base) => isTagged(base, tag)).map((base) => bytesOf(base));
  return { dns: of(2).map((name) => name.toString('latin1')), blocks: of(7).map(readBlock) };
}

/** As much of a block of ASN.1 as is looked at here. */
interface Block {
  readonly idBlock: { readonly tagClass: number; readonly tagNumber: number };
  readonly valueBlock: object;
  getValue?(): unknown;
}

function inside(block: Block | undefined): Block[] {
  const { value } = (block?.valueBlock ?? {}) as { value?: unknown };
  return Array.isArray(value) ? value : [];
}

function bytesOf(block: Block | undefined): Buffer {
  return Buffer.from((block?.valueBlock as { valueHexView?: Uint8Array } | undefined)?.valueHexView ?? []);
}

function isTagged(block: Block | undefined, tag: number): boolean {
  return block?.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag;
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
