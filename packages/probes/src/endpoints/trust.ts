/**
 * Which certificates an agent trusts: where its program looks for them, in its own environment. Go's order for
 * the official agent; for ours what its identity names, or the system's and Node's own.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { getCACertificates, rootCertificates } from 'node:tls';
import type { TrustStore } from '@rollcall/diagnosis';
import type { Sight } from '../machine/sight.ts';

/** A store that was read. */
export interface Trust {
  readonly store: Omit<TrustStore, 'hasRoot'>;
  readonly certificates: readonly string[];
  /** A certificate that isn't its own issuer is trusted as it stands, as Go does. */
  readonly partial: boolean;
}

/** The files in which Go looks for roots, in its order; the first that can be read is taken. */
const files = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
/** The folders that it reads as well. */
const folders = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

const pemForm = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What a Go program in this environment trusts. */
export async function goTrust(
  sight: Sight,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Trust> {
  const file = environment.SSL_CERT_FILE || undefined;
  const folder = environment.SSL_CERT_DIR || undefined;
  const found = new Set<string>();
  let path: string | undefined;
  let changedAt: number | undefined;
  let readable = false;
  for (const candidate of file === undefined ? files : [file]) {
    const text = await sight.text(candidate);
    path ??= (await sight.facts(candidate)) === undefined ? undefined : candidate;
    if (text === undefined) continue;
    path = candidate;
    readable = true;
    changedAt = (await sight.facts(candidate))?.changedAt;
    for (const pem of text.match(pemForm) ?? []) found.add(pem);
    break;
  }
  for (const place of folder === undefined ? folders : folder.split(':')) {
    const names = await sight.list(place, 2000);
    if (names === undefined) continue;
    path ??= place;
    readable = true;
    // With a whole bundle read, the folder holds the same ones again, one a file; unless it was asked for.
    if (folder === undefined && found.size > 0 && file === undefined) continue;
    for (const name of names) {
      const text = await sight.text(`${place}/${name}`, 1_000_000);
      for (const pem of text?.match(pemForm) ?? []) found.add(pem);
    }
  }
  const by = file !== undefined ? 'SSL_CERT_FILE' : folder !== undefined ? 'SSL_CERT_DIR' : undefined;
  return {
    partial: true,
    certificates: [...found],
    store: {
      path: path ?? file ?? files[0]!,
      readable: readable && path !== undefined,
      count: found.size,
      ...(changedAt === undefined ? {} : { changedAt }),
      ...(by === undefined ? {} : { by }),
    },
  };
}

/** One file of certificates that something names. */
export async function fileTrust(sight: Sight, path: string, by: string): Promise<Trust> {
  const text = await sight.text(path);
  const facts = await sight.facts(path);
  const certificates = [...new Set(text?.match(pemForm) ?? [])];
  return {
    partial: true,
    certificates,
    store: {
      path,
      by,
      readable: text !== undefined,
      count: certificates.length,
      ...(facts === undefined ? {} : { changedAt: facts.changedAt }),
    },
  };
}

/** What our agent trusts. */
export async function ownTrust(
  sight: Sight,
  trust: readonly string[] | undefined,
  identityFile: string,
): Promise<Trust> {
  if (trust === undefined) return systemTrust();
  const facts = await sight.facts(identityFile);
  return {
    partial: false,
    certificates: trust,
    store: {
      path: identityFile,
      by: 'identity.json',
      readable: true,
      count: trust.length,
      ...(facts === undefined ? {} : { changedAt: facts.changedAt }),
    },
  };
}

/** What a Node program trusts that was told nothing. */
export function systemTrust(): Trust {
  const certificates = [...new Set([...rootCertificates, ...getCACertificates('system')])];
  return {
    partial: false,
    certificates,
    store: { path: 'system', readable: true, count: certificates.length },
  };
}

/** The roots that AWS names for its endpoints, by SHA-256. */
export const awsRoots: readonly { readonly name: string; readonly fingerprint: string }[] = [
  {
    name: 'Amazon Root CA 1',
    fingerprint: '8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e',
  },
  {
    name: 'Starfield Services Root Certificate Authority - G2',
    fingerprint: '568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5',
  },
  {
    name: 'Starfield Class 2 Certification Authority',
    fingerprint: '1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658',
  },
];

/** Which of the roots that AWS names are in a store. */
export function findAwsRoots(trust: Trust): { name: string; present: boolean }[] {
  const prints = new Set(trust.certificates.map(fingerprintOf));
  return awsRoots.map(({ name, fingerprint }) => ({ name, present: prints.has(fingerprint) }));
}

/** SHA-256 of a certificate: lower-case hexadecimal. */
function fingerprintOf(pem: string): string {
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
  return createHash('sha256').update(der).digest('hex');
}

/** Whether something in a store vouches for one of the certificates of a chain. */
export function vouches(trust: Trust, chain: readonly X509Certificate[]): boolean {
  const shown = new Set(chain.map(({ raw }) => createHash('sha256').update(raw).digest('hex')));
  if (trust.certificates.some((pem) => shown.has(fingerprintOf(pem)))) return true;
  const last = chain.at(-1);
  if (last === undefined) return false;
  return trust.certificates.some((pem) => {
    try {
      const root = new X509Certificate(pem);
      return last.checkIssued(root) && last.verify(root.publicKey);
    } catch {
      return false;
    }
  });
}
