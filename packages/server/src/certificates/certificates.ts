/**
 * What the server shows to prove itself: under our own CA, re-issued with the same key whenever names or
 * time ask for it; or the operator's certificate, read again when its files change.
 */
import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import {
  type Authority,
  createSuccessor,
  loadSuccessor,
  openAuthority,
  promoteSuccessor,
} from './authority.ts';
import { permits, permitted } from './constraints.ts';
import { CertificateError } from './errors.ts';
import { belongs, keyText, present, readChain, readKey, readText, writeWhole } from './files.ts';
import { fingerprint, issueServer, type KeyedCertificate, keyPin, newKey, serverLife } from './issue.ts';
import { type NameSources, type Names, namesOf, publicHosts, wantedNames } from './names.ts';
import { type OwnFiles, readOwn } from './own.ts';

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
  switchToSuccessor(): void;
  /** Calls back whenever another certificate is to be served. */
  onChange(changed: () => void): void;
  /** Reads names and files again now, as it also does every minute by itself. */
  refresh(): void;
  close(): void;
}

const checkEvery = 60_000;

/** Opens the certificates: loads them, or makes them at the first start. Throws a {@link CertificateError}. */
export function openCertificates(options: CertificateOptions): Certificates {
  return options.own ? openOwn(options, options.own) : openPrivate(options);
}

function openPrivate(options: CertificateOptions): Certificates {
  const { directory, clock } = options;
  const listeners: (() => void)[] = [];
  let authority: Authority = openAuthority(directory, clock.now(), () => extraHosts(options.names));
  let successor = loadSuccessor(directory);
  const outside = () => promised(options.names).filter((host) => !permits(authority.constraints, host));
  if (outside().length > 0) successor = requireSuccessor(options, outside(), successor);

  const key = serverKey(directory);
  let server = load(directory, key, authority);
  let leftOut: readonly string[] = [];

  const refresh = () => {
    const now = clock.now();
    const wanted = permitted(authority.constraints, wantedNames(options.names));
    leftOut = wanted.leftOut;
    if (server && inTime(server.certificate, now) && same(server.names, wanted.names)) return;
    const certificate = issueServer(authority, key, now, wanted.names);
    const changed = server !== undefined;
    server = { certificate, names: wanted.names };
    writeWhole(join(directory, 'server.crt'), certificate.toString(), 0o644);
    if (changed) for (const listener of listeners) listener();
  };
  const guarded = () => attempt(refresh, options.onProblem);

  refresh();
  const timer = clock.every(checkEvery, guarded);
  return {
    context: () => ({
      cert: server!.certificate.toString() + authority.certificate.toString(),
      key: keyText(key),
    }),
    get caCertificate() {
      return authority.certificate.toString();
    },
    get caFingerprint() {
      return fingerprint(authority.certificate);
    },
    get caName() {
      return nameOf(authority.certificate);
    },
    get keyPin() {
      return keyPin(server!.certificate);
    },
    get names() {
      return server!.names;
    },
    get leftOut() {
      return leftOut;
    },
    get notAfter() {
      return server!.certificate.validToDate.getTime();
    },
    trustBundle: () => authority.certificate.toString() + (successor?.certificate.toString() ?? ''),
    get successorFingerprint() {
      return successor && fingerprint(successor.certificate);
    },
    switchToSuccessor() {
      if (!successor) return;
      authority = promoteSuccessor(directory);
      successor = undefined;
      server = { ...server!, names: { dns: [], addresses: [] } }; // issued by the CA that was: not fresh any more
      refresh();
    },
    onChange: (changed) => void listeners.push(changed),
    refresh,
    close: () => timer.cancel(),
  };
}

/** Names that the operator announces to others: without them in the certificate, nobody gets in. */
function promised(names: NameSources): string[] {
  return [...publicHosts(names.publicUrls), ...(names.domain === undefined ? [] : [names.domain])];
}

/** Hosts that a new CA must be able to vouch for beyond the private ones. */
function extraHosts(names: NameSources): string[] {
  return [...promised(names), ...names.hostNames()];
}

/** The successor that covers the names outside, made now when the operator asked for it. */
function requireSuccessor(
  options: CertificateOptions,
  outside: readonly string[],
  known: Authority | undefined,
): Authority {
  const file = join(options.directory, 'ca.crt');
  if (known) {
    const missing = outside.find((host) => !permits(known.constraints, host));
    if (missing === undefined) return known;
    throw new CertificateError(
      'successor-needed',
      `Neither the CA in ${file} nor its successor may vouch for ${missing}. Finish the change to the successor first.`,
      file,
    );
  }
  if (options.makeSuccessor)
    return createSuccessor(options.directory, options.clock.now(), extraHosts(options.names));
  throw new CertificateError(
    'successor-needed',
    `The CA in ${file} was made for private names and may not vouch for ${outside.join(', ')}. Start with --successor-ca: the agents learn a second CA while this one still serves.`,
    file,
  );
}

function serverKey(directory: string): KeyedCertificate['key'] {
  const keyFile = join(directory, 'server.key');
  const certFile = join(directory, 'server.crt');
  if (present(keyFile)) return readKey(keyFile);
  if (present(certFile)) {
    throw new CertificateError(
      'incomplete',
      `${keyFile} is missing while ${certFile} is there. Put it back from a backup, or remove ${certFile} too for a new key; enrolment lines that pin the old key then stop working.`,
      keyFile,
    );
  }
  const key = newKey();
  writeWhole(keyFile, keyText(key), 0o600);
  return key;
}

/** The certificate of the last start, when it still fits key and CA; otherwise a new one is due. */
function load(directory: string, key: KeyedCertificate['key'], authority: Authority) {
  const file = join(directory, 'server.crt');
  if (!present(file)) return undefined;
  const certificate = readChain(file)[0];
  if (!belongs(certificate, key)) {
    throw new CertificateError(
      'key-mismatch',
      `${join(directory, 'server.key')} isn't the key of ${file}.`,
      file,
    );
  }
  if (!certificate.verify(authority.certificate.publicKey)) return undefined;
  return { certificate, names: namesOf(certificate) };
}

function openOwn(options: CertificateOptions, files: OwnFiles): Certificates {
  const { clock } = options;
  const listeners: (() => void)[] = [];
  const hosts = publicHosts(options.names.publicUrls);
  let own = readOwn(files, hosts, clock.now());
  const refresh = () => {
    if (readText(files.certFile) === own.certText && readText(files.keyFile) === own.keyText) return;
    own = readOwn(files, hosts, clock.now());
    for (const listener of listeners) listener();
  };
  const timer = clock.every(checkEvery, () => attempt(refresh, options.onProblem));
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
    switchToSuccessor() {},
    onChange: (changed) => void listeners.push(changed),
    refresh,
    close: () => timer.cancel(),
  };
}

/** Young enough to go on serving; false too when the clock was set back to before it was issued. */
function inTime(certificate: X509Certificate, now: number): boolean {
  return (
    certificate.validToDate.getTime() - now > serverLife / 3 && certificate.validFromDate.getTime() <= now
  );
}

function same(one: Names, other: Names): boolean {
  return one.dns.join() === other.dns.join() && one.addresses.join() === other.addresses.join();
}

function nameOf(certificate: X509Certificate): string {
  return /(?:^|\n)CN=(.*)/.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', ');
}

function attempt(work: () => void, failed: CertificateOptions['onProblem']): void {
  try {
    work();
  } catch (error) {
    failed?.(error as Error);
  }
}
