/** Certificates for tests: an authority, and what it issues for any names and any time. */
import 'reflect-metadata'; // what @peculiar/x509 needs to be there before it
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** An authority. */
export interface TestAuthority {
  readonly pem: string;
  /** Issues a certificate; its chain ends with the authority's own. */
  issue(
    names: readonly string[],
    validity?: { from?: number; to?: number },
  ): Promise<{ cert: string; key: string }>;
}

const day = 86_400_000;

/** Makes one. */
export async function makeAuthority(name = 'Test CA'): Promise<TestAuthority> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 3000 * day),
    notAfter: new Date(Date.now() + 3000 * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const pem = `${root.toString('pem')}\n`;
  return {
    pem,
    async issue(names, { from = Date.now() - day, to = Date.now() + 90 * day } = {}) {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const leaf = await x509.X509CertificateGenerator.create({
        serialNumber: '02',
        subject: 'CN=Test server',
        issuer: root.subject,
        notBefore: new Date(from),
        notAfter: new Date(to),
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({
              type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const),
              value,
            })),
          ),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
      const key = Buffer.from(pkcs8).toString('base64').replace(/.{64}/g, '$&\n');
      return {
        cert: `${leaf.toString('pem')}\n${pem}`,
        key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}
