/**
 * What the server shows to prove itself: under our own CA, re-issued with the same key whenever names or
 * time ask for it; or the operator's certificate, read again when its files change.
 */
import type { Clock } from '../clock.ts';
import type { NameSources, Names } from './names.ts';
import { type OwnFiles, openOwn } from './own.ts';
import { openPrivate } from './private.ts';

/** What a TLS server needs; PEM. */
export interface ServedContext {
  /** The server's certificate, followed by what leads to the root. */
  readonly cert: string;
  readonly key: string;
}

/** What {@link openCertificates} needs. */
export interface CertificateOptions {
  /** The data folder; it exists and can be written. */
  readonly directory: string;
  readonly clock: Clock;
  readonly names: NameSources;
  /** The operator's own certificate, in place of our CA. */
  readonly own?: OwnFiles;
  /** Make a successor CA when a public name lies outside what the CA may vouch for. */
  readonly makeSuccessor?: boolean;
  /** Called when something went wrong later on; the certificate in use stays. */
  readonly onProblem?: (error: Error) => void;
}

/** The server's certificates, alive until closed. */
export interface Certificates {
  context(): ServedContext;
  /** PEM of the root that clients must trust. */
  readonly caCertificate: string;
  /** SHA-256 of that root's DER, lower-case hex. */
  readonly caFingerprint: string;
  /** The root's name, e.g. `Rollcall CA 7F3A 91C2`. */
  readonly caName: string;
  /** Base64 of the SHA-256 of the server key's SPKI: `curl --pinnedpubkey sha256//…`. */
  readonly keyPin: string;
  /** The names that the certificate covers. */
  readonly names: Names;
  /** Names of this server that the certificate can't cover, since its CA may not vouch for them. */
  readonly leftOut: readonly string[];
  /** End of validity, milliseconds since the epoch. */
  readonly notAfter: number;
  /** PEM of all the roots that agents should trust: the current one and, when there is one, its successor. */
  trustBundle(): string;
  /** Fingerprint of the successor that is being handed out, or undefined. */
  readonly successorFingerprint: string | undefined;
  /** Lets the successor serve from now on. Ask the guard first. */
  switchToSuccessor(): Promise<void>;
  /** Calls back whenever another certificate is to be served. */
  onChange(changed: () => void): void;
  /** Reads names and files again now, as it also does every minute by itself. */
  refresh(): Promise<void>;
  /** Resolves when nothing is under way any more; nothing is written after that. */
  close(): Promise<void>;
}

/** Opens the certificates: loads them, or makes them at the first start. Throws a `CertificateError`. */
export async function openCertificates(options: CertificateOptions): Promise<Certificates> {
  return options.own ? openOwn(options, options.own) : openPrivate(options);
}
