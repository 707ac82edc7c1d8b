/**
 * The machine's own store of trusted roots, in which the official agent, curl and most else look: where it
 * takes additions, and what makes it read them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { certificatesIn, fingerprintOf } from '../enroll/door.ts';
import { Failure } from '../failure.ts';
import type { Machine } from '../machine.ts';

/** A store of one kind of system. */
export interface TrustStore {
  /** The folder that takes additions; as the user sees it. */
  readonly folder: string;
  /** What makes the system read that folder: a command and its arguments. */
  readonly update: readonly [string, ...string[]];
  /** macOS keeps additions in a keychain instead; the folder then only holds our copy. */
  readonly keychain?: string;
}

/** In order: the folder tells the systems apart where the command has the same name. */
const stores: readonly TrustStore[] = [
  // SUSE
  { folder: '/etc/pki/trust/anchors', update: ['update-ca-certificates'] },
  // Debian, Ubuntu, Alpine
  { folder: '/usr/local/share/ca-certificates', update: ['update-ca-certificates'] },
  // Red Hat and its family, Amazon Linux
  { folder: '/etc/pki/ca-trust/source/anchors', update: ['update-ca-trust', 'extract'] },
  // Arch
  { folder: '/etc/ca-certificates/trust-source/anchors', update: ['update-ca-trust'] },
];

const macStore: TrustStore = {
  folder: '/Library/Application Support/Rollcall',
  update: ['security'],
  keychain: '/Library/Keychains/System.keychain',
};

/** The files in which programs read what the store holds. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Finds the store by the commands and folders at hand. */
export function findStore(machine: Machine): TrustStore {
  if (machine.platform === 'darwin') return macStore;
  const found = stores.find(({ folder, update }) => {
    if (!machine.find(update[0])) return false;
    // Debian's and Alpine's folder is made by the package that brings the command, but may have been removed.
    return existsSync(machine.path(folder)) || folder.startsWith('/usr/local/');
  });
  if (!found)
    throw new Failure(
      "This machine's store of trusted roots isn't one of those known (Debian, Red Hat, SUSE, Alpine, Arch, macOS): neither update-ca-certificates nor update-ca-trust is here. On Debian and Alpine: install the package ca-certificates.",
    );
  return found;
}

/** An authority of ours in the store. */
export interface Anchor {
  /** As the user sees it. */
  readonly file: string;
  readonly fingerprint: string;
  readonly pem: string;
}

/** The name of an authority's file. */
export function anchorFile(store: TrustStore, fingerprint: string): string {
  return path.posix.join(store.folder, `rollcall-${fingerprint.replace('sha256:', '').slice(0, 16)}.crt`);
}

/** The authorities that `rollcall trust` has put there. */
export function listAnchors(machine: Machine, store: TrustStore): Anchor[] {
  const folder = machine.path(store.folder);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^rollcall-[0-9a-f]{16}\.crt$/.test(name))
    .sort()
    .flatMap((name) => {
      const pem = readFileSync(path.join(folder, name), 'utf8');
      const [certificate] = certificatesIn(pem);
      if (!certificate) return [];
      return [{ file: path.posix.join(store.folder, name), fingerprint: fingerprintOf(certificate), pem }];
    });
}

/** Adds an authority. What was half done is taken back when the system's command fails. */
export async function addAnchor(machine: Machine, store: TrustStore, anchor: Anchor): Promise<void> {
  const file = machine.path(anchor.file);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, anchor.pem, { mode: 0o644 });
  const { keychain } = store;
  const outcome = keychain
    ? await machine.run('security', ['add-trusted-cert', '-d', '-r', 'trustRoot', '-k', keychain, file])
    : await machine.run(store.update[0], store.update.slice(1));
  if (outcome.code === 0) return;
  rmSync(file, { force: true });
  throw updateFailed(store, outcome.output);
}

/** Removes an authority. */
export async function removeAnchor(machine: Machine, store: TrustStore, anchor: Anchor): Promise<void> {
  const file = machine.path(anchor.file);
  if (store.keychain) {
    const untrusted = await machine.run('security', ['remove-trusted-cert', '-d', file]);
    const sha1 = certificatesIn(anchor.pem)[0]?.fingerprint.replaceAll(':', '') ?? '';
    const deleted = await machine.run('security', ['delete-certificate', '-Z', sha1, store.keychain]);
    const failed = [untrusted, deleted].find(({ code }) => code !== 0);
    if (failed) throw updateFailed(store, failed.output);
    rmSync(file, { force: true });
    return;
  }
  rmSync(file, { force: true });
  const update = (more: readonly string[]) =>
    machine.run(store.update[0], [...store.update.slice(1), ...more]);
  // Debian keeps a link for each addition, and only a fresh start forgets one whose file is gone.
  const fresh = store.update[0] === 'update-ca-certificates' && (await update(['--fresh'])).code === 0;
  if (fresh) return;
  const outcome = await update([]);
  if (outcome.code !== 0) throw updateFailed(store, outcome.output);
}

function updateFailed(store: TrustStore, output: string): Failure {
  const said = output.trim().split('\n').at(-1) ?? '';
  return new Failure(`${store.update.join(' ')} failed: ${said || 'it said nothing'}`);
}

/**
 * The file in which programs now find the authority; undefined when none of the known ones has it, or when
 * the store has no such file.
 */
export function bundleWith(machine: Machine, pem: string): string | undefined {
  const body = (text: string) => text.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  const wanted = body(certificatesIn(pem)[0]?.toString() ?? '');
  return bundles.find((file) => {
    const real = machine.path(file);
    if (!statSync(real, { throwIfNoEntry: false })?.isFile()) return false;
    return wanted !== '' && body(readFileSync(real, 'utf8')).includes(wanted);
  });
}
