/** Reads and writes certificate and key files, so that a crash leaves the old file, the new one, or both. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CertificateError } from './errors.ts';

/** Writes a file completely beside its place, then moves it there. `mode` is of the new file. */
export function writeWhole(file: string, content: string, mode: number): void {
  stage(file, content, mode);
  settle(file);
}

/** The first half of {@link writeWhole}: the content is on disk as `FILE.new`. */
export function stage(file: string, content: string, mode: number): void {
  try {
    rmSync(`${file}.new`, { force: true });
    const descriptor = openSync(`${file}.new`, 'wx', mode);
    try {
      writeSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new CertificateError('unreadable', `${file} can't be written: ${reason(error)}.`, file);
  }
}

/** The second half: `FILE.new` becomes `FILE`. */
export function settle(file: string): void {
  move(`${file}.new`, file);
}

/** Renames a file durably. */
export function move(from: string, to: string): void {
  try {
    renameSync(from, to);
    syncFolder(dirname(to));
  } catch (error) {
    throw new CertificateError('unreadable', `${to} can't be written: ${reason(error)}.`, to);
  }
}

export function present(file: string): boolean {
  return existsSync(file);
}

/** A file's text; a CertificateError that says why when it can't be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CertificateError('unreadable', `${file} can't be read: ${reason(error)}.`, file);
  }
}

/** All certificates of a PEM file, in its order; at least one. */
export function readChain(file: string, text = readText(file)): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const [first, ...rest] = blocks.map((block) => new X509Certificate(block));
    if (first) return [first, ...rest];
  } catch {
    // Said below: the reason that OpenSSL gives helps nobody.
  }
  throw new CertificateError('damaged', `${file} holds no certificate in PEM form that can be read.`, file);
}

/** The private key of a PEM file. */
export function readKey(file: string, text = readText(file)): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    if (/ENCRYPTED/.test(text) || (error as { code?: string }).code === 'ERR_MISSING_PASSPHRASE') {
      throw new CertificateError(
        'key-encrypted',
        `${file} is protected by a passphrase; a server needs it without.`,
        file,
      );
    }
    throw new CertificateError('damaged', `${file} holds no private key in PEM form that can be read.`, file);
  }
}

/** Whether the private key is the one whose public half the certificate carries. */
export function belongs(certificate: X509Certificate, key: KeyObject): boolean {
  return createPublicKey(key as never).equals(certificate.publicKey);
}

/** A private key as it is kept. */
export function keyText(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** Whether someone could have meant this file for the named one: a half that a crash left behind. */
export function staged(file: string): boolean {
  return existsSync(`${file}.new`);
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return; // a folder can't be opened there
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'no space left on the disk',
    EROFS: 'the file system is read-only',
  };
  return known[code ?? ''] ?? message;
}
