/**
 * Makes the two kinds of certificate there are: the private CA's, and the server's under it. Only a first
 * start, a renewal and a successor need this file, so only they import it: the libraries take their time.
 */
import 'reflect-metadata'; // what @peculiar/x509 needs to be there before it
import { createPublicKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';
import type { Constraints } from './constraints.ts';
import type { KeyedCertificate } from './keys.ts';
import { life } from './life.ts';
import type { Names } from './names.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Makes a private CA, good for ten years and for the names within `constraints` only. */
export async function makeAuthority(
  key: KeyObject,
  now: number,
  constraints: Constraints,
): Promise<X509Certificate> {
  const publicKey = publicHalf(key);
  const id = await keyId(publicKey);
  const subject = `CN=Rollcall CA ${id.slice(0, 4).toUpperCase()} ${id.slice(4, 8).toUpperCase()}`;
  return make({
    subject,
    issuer: subject,
    publicKey,
    signer: key,
    from: now - life.backdated,
    to: now + life.authority,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      serverAuth(), // in a system's store it must vouch for servers only
      new x509.SubjectKeyIdentifierExtension(id),
      new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(asSubtrees(constraints))),
    ],
  });
}

/** Issues the server's certificate for `names`, 90 days long at most. */
export async function issueServer(
  authority: KeyedCertificate,
  key: KeyObject,
  now: number,
  names: Names,
): Promise<X509Certificate> {
  const issuer = new x509.X509Certificate(authority.certificate.raw);
  const publicKey = publicHalf(key);
  return make({
    subject: 'CN=Rollcall server',
    issuer: issuer.subjectName,
    publicKey,
    signer: authority.key,
    from: now - life.backdated,
    to: Math.min(now + life.server, authority.certificate.validToDate.getTime()),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      serverAuth(),
      new x509.SubjectKeyIdentifierExtension(await keyId(publicKey)),
      new x509.AuthorityKeyIdentifierExtension(await keyId(issuer.publicKey)),
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns' as const, value })),
        ...names.addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
}

interface Blueprint {
  readonly subject: string;
  readonly issuer: string | x509.Name;
  readonly publicKey: x509.PublicKey;
  readonly signer: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly extensions: x509.Extension[];
}

async function make({ signer, from, to, ...plan }: Blueprint): Promise<X509Certificate> {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and always of the same length
  const made = await x509.X509CertificateGenerator.create({
    ...plan,
    serialNumber: serial.toString('hex'),
    notBefore: wholeSecond(from),
    notAfter: wholeSecond(to),
    signingKey: signer.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
  });
  return new X509Certificate(Buffer.from(made.rawData));
}

/** The time of a certificate has no fractions (RFC 5280, 4.1.2.5). */
function wholeSecond(at: number): Date {
  return new Date(Math.floor(at / 1000) * 1000);
}

function serverAuth(): x509.Extension {
  return new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]);
}

function asSubtrees({ dns, blocks }: Constraints): NameConstraints {
  const names = [
    ...dns.map((dNSName) => new GeneralName({ dNSName })),
    ...blocks.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const subtrees = names.map((base) => new GeneralSubtree({ base }));
  return new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) });
}

function publicHalf(key: KeyObject): x509.PublicKey {
  return new x509.PublicKey(createPublicKey(key as never).export({ type: 'spki', format: 'der' }));
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public key's bits; hex. */
async function keyId(key: x509.PublicKey): Promise<string> {
  return Buffer.from(await key.getKeyIdentifier('SHA-256')).toString('hex', 0, 20);
}
