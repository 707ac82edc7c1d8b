/**
 * One file with every root that a tool may need: the system's, those the shell already named, and the
 * server's. Tools read a single file, and one that held only ours would cut them off from everything else.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Connection } from '../context.ts';
import { Failure } from '../failure.ts';
import type { Environment } from '../io.ts';
import { bundleVariables, original } from './variables.ts';

/** The bundle's name in the data folder. */
export const bundleFileName = 'trust-bundle.pem';

/** Where systems keep their roots in one file: Debian, Fedora, SUSE, older Red Hat, Alpine and macOS. */
const systemStores = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
];

/** Writes the bundle into the data folder and returns its path. */
export function writeBundle(env: Environment, connection: Connection & { data: string }): string {
  const file = path.join(connection.data, bundleFileName);
  const before = original(env);
  const inherited = bundleVariables
    .map((name) => before[name])
    .filter((value): value is string => value !== undefined && value !== '' && !isOurs(value));
  const system = systemStores.map(readIfThere).find((text) => text !== undefined);
  const texts = [system, ...[...new Set(inherited)].map(readIfThere)];
  if (connection.caFile) {
    const own = readIfThere(connection.caFile);
    if (own === undefined)
      throw new Failure(
        `The server's certificate authority is missing: ${connection.caFile}. Restart the server.`,
      );
    texts.push(own);
  }
  const text = [...new Set(texts.flatMap((entry) => certificatesIn(entry ?? '')))].join('\n');
  write(file, `${text}\n`);
  return file;
}

/** A bundle of ours, this server's or another's, is never nested into a new one. */
function isOurs(file: string): boolean {
  return path.basename(file) === bundleFileName;
}

/** The certificates of a PEM text, each once, without comments; anything else, a key say, stays behind. */
function certificatesIn(text: string): string[] {
  const blocks = text.match(
    /-----BEGIN (TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (TRUSTED )?CERTIFICATE-----/g,
  );
  return (blocks ?? [])
    .filter((block) => !block.includes('TRUSTED'))
    .map((block) => block.replaceAll('\r', ''));
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step, so that a tool that reads it now sees the old one or the new one. */
function write(file: string, text: string): void {
  if (readIfThere(file) === text) return;
  const temporary = `${file}.${process.pid}`;
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    chmodSync(temporary, 0o644);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Failure(`The bundle of trusted roots can't be written to ${file}: ${(error as Error).message}`);
  }
}
