/**
 * Makes the two kinds of certificate there are: the private CA's, and the server's under it. Two fixed
 * shapes are less than what a general library brings along, and signing stays synchronous.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { addressBytes, type Constraints, encodeConstraints, nameConstraints } from './constraints.ts';
import { bits, der, elements, identifier, integer, octets, sequence, set, time, utf8, yes } from './der.ts';
import type { Names } from './names.ts';

const day = 86_400_000;
/** Clocks of machines that were just switched on are often behind; ours may be ahead. */
const backdated = 7 * day;
/** Macs refuse server certificates that live longer than 398 days; this one renews itself long before. */
export const serverLife = 90 * day;
const caLife = 3653 * day;

/** A certificate and the key that belongs to it. */
export interface KeyedCertificate {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** A new ECDSA P-256 key. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Makes a private CA, good for ten years and for the names within `constraints` only. */
export function makeAuthority(key: KeyObject, now: number, constraints: Constraints): X509Certificate {
  const id = keyId(key);
  const label = id.toString('hex').toUpperCase();
  const subject = commonName(`Rollcall CA ${label.slice(0, 4)} ${label.slice(4, 8)}`);
  return build({
    subject,
    issuer: subject,
    publicKey: key,
    signer: key,
    from: now - backdated,
    to: now + caLife,
    extensions: [
      extension('2.5.29.19', true, sequence(yes, integer(Buffer.from([0])))), // basicConstraints: CA, path length 0
      extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)), // keyUsage: keyCertSign, cRLSign
      extension('2.5.29.37', false, serverAuth), // in a system's store it must vouch for servers only
      extension('2.5.29.14', false, octets(id)),
      extension(nameConstraints, true, encodeConstraints(constraints)),
    ],
  });
}

/** Issues the server's certificate for `names`, 90 days long at most. */
export function issueServer(
  authority: KeyedCertificate,
  key: KeyObject,
  now: number,
  names: Names,
): X509Certificate {
  return build({
    subject: commonName('Rollcall server'),
    issuer: elements(elements(elements(authority.certificate.raw)[0]!.content)[0]!.content)[5]!.content,
    publicKey: key,
    signer: authority.key,
    from: now - backdated,
    to: Math.min(now + serverLife, authority.certificate.validToDate.getTime()),
    extensions: [
      extension('2.5.29.19', true, sequence()),
      extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
      extension('2.5.29.37', false, serverAuth),
      extension('2.5.29.14', false, octets(keyId(key))),
      extension('2.5.29.35', false, sequence(der(0x80, keyId(authority.key)))),
      extension(
        '2.5.29.17',
        false,
        sequence(
          ...names.dns.map((name) => der(0x82, Buffer.from(name))),
          ...names.addresses.map((address) => der(0x87, addressBytes(address))),
        ),
      ),
    ],
  });
}

const fingerprints = new WeakMap<X509Certificate, string>();

/** SHA-256 of a certificate's DER, lower-case hex. Asked for with every heartbeat, so it is remembered. */
export function fingerprint(certificate: X509Certificate): string {
  let known = fingerprints.get(certificate);
  if (known === undefined) {
    known = createHash('sha256').update(certificate.raw).digest('hex');
    fingerprints.set(certificate, known);
  }
  return known;
}

/** What `curl --pinnedpubkey sha256//…` compares: base64 of the SHA-256 of the public key's DER. */
export function keyPin(certificate: X509Certificate): string {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

interface Blueprint {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly extensions: readonly Buffer[];
}

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'));
const serverAuth = sequence(identifier('1.3.6.1.5.5.7.3.1'));

function build(plan: Blueprint): X509Certificate {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and always of the same length
  const tbs = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serial),
    ecdsaWithSha256,
    asSequence(plan.issuer),
    sequence(time(plan.from), time(plan.to)),
    asSequence(plan.subject),
    createPublicKey(plan.publicKey as never).export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...plan.extensions)),
  );
  const signature = sign('sha256', tbs, { key: plan.signer, dsaEncoding: 'der' });
  return new X509Certificate(sequence(tbs, ecdsaWithSha256, bits(signature)));
}

/** A distinguished name's content; wrapped where it is used, as an issuer is copied byte by byte. */
function commonName(text: string): Buffer {
  return set(sequence(identifier('2.5.4.3'), utf8(text)));
}

const asSequence = (content: Buffer): Buffer => sequence(content);

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(identifier(id), ...(critical ? [yes] : []), octets(value));
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public key's bits. */
function keyId(key: KeyObject): Buffer {
  const spki = createPublicKey(key as never).export({ type: 'spki', format: 'der' });
  const publicBits = elements(elements(spki)[0]!.content)[1]!.content.subarray(1);
  return createHash('sha256').update(publicBits).digest().subarray(0, 20);
}
