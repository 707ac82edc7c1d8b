/**
 * The private CA on disk, and its successor. A CA is made exactly once: whenever its files aren't whole,
 * the start stops, because every agent out there trusts the one that was.
 */
import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type Constraints, constraintsFor, readConstraints } from './constraints.ts';
import { CertificateError } from './errors.ts';
import {
  belongs,
  keyText,
  move,
  present,
  readChain,
  readKey,
  settle,
  stage,
  staged,
  writeWhole,
} from './files.ts';
import { type KeyedCertificate, newKey } from './keys.ts';

/** A CA that can issue. */
export interface Authority extends KeyedCertificate {
  readonly constraints: Constraints;
}

type Place = 'ca' | 'ca-next';

/** Boards without a battery start in 1970. No clock that is right says less than this. */
const earliest = Date.UTC(2025, 0, 1);

/** Loads the CA, or makes it when there never was one. `hosts` are the names beyond the private ones. */
export async function openAuthority(
  directory: string,
  now: number,
  hosts: () => readonly string[],
): Promise<Authority> {
  finishSwitch(directory);
  const authority = load(directory, 'ca') ?? (await create(directory, 'ca', now, hosts()));
  const { certFile } = files(directory, 'ca');
  if (authority.certificate.validToDate.getTime() <= now) {
    throw new CertificateError(
      'expired',
      `The CA in ${certFile} expired on ${date(authority.certificate)}.`,
      certFile,
    );
  }
  return authority;
}

/** The successor that is already being handed out, if there is one. */
export function loadSuccessor(directory: string): Authority | undefined {
  return load(directory, 'ca-next');
}

/** Makes a successor that may vouch for `hosts`, beside the CA that still serves. */
export function createSuccessor(
  directory: string,
  now: number,
  hosts: readonly string[],
): Promise<Authority> {
  return create(directory, 'ca-next', now, hosts);
}

/** Makes the successor the CA. What was stays as `ca-previous.crt`, for whoever needs to compare. */
export function promoteSuccessor(directory: string): Authority {
  const current = files(directory, 'ca');
  const next = files(directory, 'ca-next');
  const old = readChain(current.certFile)[0];
  writeWhole(join(directory, 'ca-previous.crt'), old.toString(), 0o644);
  move(next.keyFile, current.keyFile);
  finishSwitch(directory);
  return load(directory, 'ca')!;
}

/** A switch moves the key first: a `ca.key` that belongs to `ca-next.crt` is one that was interrupted. */
function finishSwitch(directory: string): void {
  const current = files(directory, 'ca');
  const next = files(directory, 'ca-next');
  if (!present(next.certFile) || present(next.keyFile) || !present(current.keyFile)) return;
  if (belongs(readChain(next.certFile)[0], readKey(current.keyFile))) move(next.certFile, current.certFile);
}

async function create(
  directory: string,
  place: Place,
  now: number,
  hosts: readonly string[],
): Promise<Authority> {
  if (now < earliest) {
    const says = new Date(now).toISOString().slice(0, 10);
    throw new CertificateError(
      'clock-wrong',
      `This machine's clock says ${says}. Set it first: a CA made now would have expired by the time it is right.`,
    );
  }
  const { certFile, keyFile } = files(directory, place);
  const constraints = constraintsFor(hosts);
  const key = newKey();
  const { makeAuthority } = await import('./issue.ts');
  const certificate = await makeAuthority(key, now, constraints);
  stage(certFile, certificate.toString(), 0o644);
  stage(keyFile, keyText(key), 0o600);
  settle(keyFile);
  settle(certFile);
  return { certificate, key, constraints };
}

function load(directory: string, place: Place): Authority | undefined {
  const { certFile, keyFile } = files(directory, place);
  if (!present(certFile) && !present(keyFile)) return undefined;
  finishCreation(certFile, keyFile);
  const missing = [certFile, keyFile].find((file) => !present(file));
  if (missing !== undefined) {
    const other = missing === certFile ? keyFile : certFile;
    throw new CertificateError(
      'incomplete',
      `${missing} is missing while ${other} is there. Put it back from a backup; a new CA would cut off every agent that trusts this one.`,
      missing,
    );
  }
  const certificate = readChain(certFile)[0];
  const key = readKey(keyFile);
  if (!belongs(certificate, key)) {
    throw new CertificateError('key-mismatch', `${keyFile} isn't the key of the CA in ${certFile}.`, keyFile);
  }
  const constraints = certificate.ca ? readConstraints(certificate) : undefined;
  if (!constraints) {
    throw new CertificateError('damaged', `${certFile} isn't a CA that Rollcall made.`, certFile);
  }
  return { certificate, key, constraints };
}

/** A crash while the CA was made leaves its certificate staged; nobody has seen it yet, so it still counts. */
function finishCreation(certFile: string, keyFile: string): void {
  if (present(certFile) || !staged(certFile)) return;
  if (belongs(readChain(`${certFile}.new`)[0], readKey(keyFile))) settle(certFile);
}

function files(directory: string, place: Place): { certFile: string; keyFile: string } {
  return { certFile: join(directory, `${place}.crt`), keyFile: join(directory, `${place}.key`) };
}

/** The day on which a certificate ends, as people write it. */
export function date(certificate: X509Certificate): string {
  return certificate.validToDate.toISOString().slice(0, 10);
}
