/** Certificates of our own CA: loaded, made at the first start, re-issued with the same key while they serve. */
import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import {
  type Authority,
  createSuccessor,
  loadSuccessor,
  openAuthority,
  promoteSuccessor,
} from './authority.ts';
import type { CertificateOptions, Certificates } from './certificates.ts';
import { permits, permitted } from './constraints.ts';
import { CertificateError } from './errors.ts';
import { belongs, keyText, present, readChain, readKey, writeWhole } from './files.ts';
import { fingerprint, type KeyedCertificate, keyPin, nameOf, newKey } from './keys.ts';
import { checkEvery, life } from './life.ts';
import { type NameSources, type Names, namesOf, publicHosts, wantedNames } from './names.ts';

/** A certificate that is served. */
interface Served {
  readonly certificate: X509Certificate;
  readonly names: Names;
}

/** Opens them; nothing is issued when what was there still fits. */
export async function openPrivate(options: CertificateOptions): Promise<Certificates> {
  const { directory, clock } = options;
  const listeners: (() => void)[] = [];
  let authority = await openAuthority(directory, clock.now(), () => extraHosts(options.names));
  let successor = loadSuccessor(directory);
  const outside = () => promised(options.names).filter((host) => !permits(authority.constraints, host));
  if (outside().length > 0) successor = await requireSuccessor(options, outside(), successor);

  const key = serverKey(directory);
  let server = load(directory, key, authority);
  let leftOut: readonly string[] = [];
  let closed = false;

  const issue = async (by: Authority, names: Names): Promise<Served> => {
    const { issueServer } = await import('./issue.ts');
    return { certificate: await issueServer(by, key, clock.now(), names), names };
  };
  const keep = ({ certificate }: Served) =>
    writeWhole(join(directory, 'server.crt'), certificate.toString(), 0o644);
  const serve = (fresh: Served) => {
    const changed = server !== undefined;
    server = fresh;
    if (changed) for (const listener of listeners) listener();
  };
  const refresh = async () => {
    const wanted = permitted(authority.constraints, wantedNames(options.names));
    leftOut = wanted.leftOut;
    const fits = server && same(server.names, wanted.names) && inTime(server.certificate, clock.now());
    if (closed || fits) return;
    const fresh = await issue(authority, wanted.names);
    if (closed) return;
    keep(fresh);
    serve(fresh);
  };
  const switchToSuccessor = async () => {
    if (closed || !successor) return;
    const wanted = permitted(successor.constraints, wantedNames(options.names));
    const fresh = await issue(successor, wanted.names);
    if (closed) return;
    // Nothing waits from here on. A start after a crash in between finds a certificate that its CA didn't
    // issue, and issues another.
    keep(fresh);
    authority = promoteSuccessor(directory);
    successor = undefined;
    leftOut = wanted.leftOut;
    serve(fresh);
  };

  // One after another: two at once would issue twice, and the files might not be those of the later one.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work);
    last = mine.catch(() => {}); // told to whoever asked for it
    return mine;
  };

  await refresh();
  const timer = clock.every(
    checkEvery,
    () => void inTurn(refresh).catch((error) => options.onProblem?.(error)),
  );
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
    switchToSuccessor: () => inTurn(switchToSuccessor),
    onChange: (changed) => void listeners.push(changed),
    refresh: () => inTurn(refresh),
    async close() {
      closed = true;
      timer.cancel();
      await last;
    },
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
async function requireSuccessor(
  options: CertificateOptions,
  outside: readonly string[],
  known: Authority | undefined,
): Promise<Authority> {
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
function load(directory: string, key: KeyedCertificate['key'], authority: Authority): Served | undefined {
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

/** Young enough to go on serving; false too when the clock was set back to before it was issued. */
function inTime(certificate: X509Certificate, now: number): boolean {
  return (
    certificate.validToDate.getTime() - now > life.server / 3 && certificate.validFromDate.getTime() <= now
  );
}

function same(one: Names, other: Names): boolean {
  return one.dns.join() === other.dns.join() && one.addresses.join() === other.addresses.join();
}
