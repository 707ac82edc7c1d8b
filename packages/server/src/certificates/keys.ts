/** Keys of ours, and the short forms in which people and programs compare certificates. */
import { createHash, generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';

/** A certificate and the key that belongs to it. */
export interface KeyedCertificate {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** A new ECDSA P-256 key. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
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

/** The common name of a certificate's subject, or all of it. */
export function nameOf(certificate: X509Certificate): string {
  return /(?:^|\n)CN=(.*)/.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', ');
}
