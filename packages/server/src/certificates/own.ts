/** A certificate that the operator brought (`--tls-cert`, `--tls-key`): read, and refused with the reason when it can't serve. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { X509Certificate as Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { date } from './authority.ts';
import type { CertificateOptions, Certificates } from './certificates.ts';
import { CertificateError } from './errors.ts';
import { belongs, readChain, readKey, readText } from './files.ts';
import { fingerprint, keyPin, nameOf } from './keys.ts';
import { checkEvery } from './life.ts';
import { type Names, namesOf, publicHosts } from './names.ts';

/** Where the operator's certificate is. */
export interface OwnFiles {
  /** PEM: the server's certificate, then the intermediates, perhaps the root. */
  readonly certFile: string;
  /** PEM, without a passphrase. */
  readonly keyFile: string;
}

/** The operator's certificate, fit to serve. */
export interface OwnCertificate {
  readonly certificate: X509Certificate;
  readonly certText: string;
  readonly keyText: string;
  /** The root behind it as best known: in the file, among the well-known ones, or else the last in the file. */
  readonly root: X509Certificate;
  readonly names: Names;
}

/** Reads the files and checks them against the clock and the hosts of the public URLs. */
export function readOwn(files: OwnFiles, hosts: readonly string[], now: number): OwnCertificate {
  const certText = readText(files.certFile);
  const keyText = readText(files.keyFile);
  const chain = readChain(files.certFile, certText);
  const leaf = chain[0];
  const key: KeyObject = readKey(files.keyFile, keyText);
  if (!belongs(leaf, key)) {
    throw new CertificateError(
      'key-mismatch',
      `${files.keyFile} isn't the key of ${files.certFile}.`,
      files.keyFile,
    );
  }
  if (leaf.validToDate.getTime() <= now) {
    throw new CertificateError('expired', `${files.certFile} expired on ${date(leaf)}.`, files.certFile);
  }
  if (leaf.validFromDate.getTime() > now) {
    const from = leaf.validFromDate.toISOString().slice(0, 16).replace('T', ' ');
    throw new CertificateError(
      'not-yet-valid',
      `${files.certFile} isn't valid before ${from} UTC.`,
      files.certFile,
    );
  }
  const names = namesOf(leaf);
  const missing = hosts.find(
    (host) => !(isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host, { subject: 'never' })),
  );
  if (missing !== undefined) {
    const listed = [...names.dns, ...names.addresses].slice(0, 8).join(', ') || 'no name at all';
    throw new CertificateError(
      'name-not-covered',
      `${files.certFile} doesn't cover ${missing}, a name of the public URL. It covers ${listed}.`,
      files.certFile,
    );
  }
  return { certificate: leaf, certText, keyText, root: rootOf(chain), names };
}

/** Intermediates come and go; agents trust the root, so that is what is looked for. */
function rootOf(chain: readonly [X509Certificate, ...X509Certificate[]]): X509Certificate {
  const last = chain.at(-1)!;
  if (last.issuer === last.subject) return last;
  for (const pem of getCACertificates('default')) {
    const candidate = new Certificate(pem);
    if (candidate.subject === last.issuer && last.verify(candidate.publicKey)) return candidate;
  }
  return last;
}

/** Serves the operator's certificate, and its new files once they are there. */
export function openOwn(options: CertificateOptions, files: OwnFiles): Certificates {
  const { clock } = options;
  const listeners: (() => void)[] = [];
  const hosts = publicHosts(options.names.publicUrls);
  let own = readOwn(files, hosts, clock.now());
  const refresh = async () => {
    if (readText(files.certFile) === own.certText && readText(files.keyFile) === own.keyText) return;
    own = readOwn(files, hosts, clock.now());
    for (const listener of listeners) listener();
  };
  const timer = clock.every(checkEvery, () => void refresh().catch((error) => options.onProblem?.(error)));
  return {
    context: () => ({ cert: own.certText, key: own.keyText }),
    get caCertificate() {
      return own.root.toString();
    },
    get caFingerprint() {
      return fingerprint(own.root);
    },
    get caName() {
      return nameOf(own.root);
    },
    get keyPin() {
      return keyPin(own.certificate);
    },
    get names() {
      return own.names;
    },
    leftOut: [],
    get notAfter() {
      return own.certificate.validToDate.getTime();
    },
    trustBundle: () => own.root.toString(),
    successorFingerprint: undefined,
    switchToSuccessor: async () => {},
    onChange: (changed) => void listeners.push(changed),
    refresh,
    close: async () => timer.cancel(),
  };
}
