/** Certificate authorities and what they issue, good and bad: expired, not valid yet, for another name. */
import 'reflect-metadata'; // what @peculiar/x509 needs to be there before it
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate with its key, PEM; `chain` is what a server shows. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly chain: string;
}

/** What is to be issued. Times are milliseconds since the epoch. */
export interface Order {
  /** Names, or addresses. */
  readonly names: readonly string[];
  readonly from?: number;
  readonly to?: number;
  /** The common name of the one it is for. */
  readonly subject?: string;
}

/** Somebody who issues certificates. */
export interface Authority {
  /** PEM. */
  readonly cert: string;
  issue(order: Order): Promise<Issued>;
  /** One below it, whose certificate isn't known to whoever trusts this one: it has to be shown. */
  below(name: string): Promise<Authority>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;

/** Makes one, known to nobody. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    notBefore: new Date(Date.now() - 30 * day),
    notAfter: new Date(Date.now() + 365 * day),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(made.toString('pem'), keys.privateKey);
}

/** One whose certificate and key (PEM) somebody has: what it issues is trusted wherever it is. */
export async function takeAuthority(cert: string, key: string): Promise<Authority> {
  return authorityOf(cert, await importKey(createPrivateKey(key)));
}

function authorityOf(cert: string, signingKey: CryptoKey): Authority {
  const own = new x509.X509Certificate(cert);
  return {
    cert,
    async below(name) {
      const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
        'sign',
        'verify',
      ])) as webcrypto.CryptoKeyPair;
      const made = await x509.X509CertificateGenerator.create({
        subject: `CN=${name}`,
        issuer: own.subject,
        notBefore: new Date(Date.now() - 30 * day),
        notAfter: new Date(Date.now() + 300 * day),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          ...keyIdOf(own),
        ],
      });
      return authorityOf(made.toString('pem'), keys.privateKey);
    },
    async issue({ names, from = Date.now() - day, to = Date.now() + 30 * day, subject = names[0] }) {
      const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
        'sign',
        'verify',
      ])) as webcrypto.CryptoKeyPair;
      const made = await x509.X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: own.subject,
        notBefore: new Date(from),
        notAfter: new Date(to),
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
          ),
          ...keyIdOf(own),
        ],
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
      const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
      const pem = `${made.toString('pem')}\n`;
      return {
        cert: pem,
        key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
        chain: `${pem}${cert.trim()}\n`,
      };
    },
  };
}

/** The issuer's key by the name that the issuer gave it. */
function keyIdOf(issuer: x509.X509Certificate): x509.Extension[] {
  const own = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  return own ? [new x509.AuthorityKeyIdentifierExtension(own.keyId)] : [];
}

function importKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']);
}
