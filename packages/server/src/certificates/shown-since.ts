/**
 * Since when the authority is shown that is shown now: nodes that know the one before refuse it since then. Kept in
 * a file of its own beside the certificates, so that it holds over a restart, which is when an authority changes.
 */
import { join } from 'node:path';
import { present, readText, writeWhole } from './files.ts';

interface Shown {
  /** Of the authority; SHA-256 in hexadecimal digits. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch; absent: as long as anybody knows. */
  readonly since?: number;
}

/** Notes the authority that is shown; answers since when, undefined when it never was another. */
export function shownSince(directory: string, fingerprint: string, now: number): number | undefined {
  const file = join(directory, 'ca-shown.json');
  const before = read(file);
  if (before?.fingerprint === fingerprint) return before.since;
  const shown: Shown = { fingerprint, ...(before && { since: now }) };
  writeWhole(file, `${JSON.stringify(shown)}\n`, 0o644);
  return shown.since;
}

/** What can't be read is as if it had never been written: then nobody knows, and nothing is claimed. */
function read(file: string): Shown | undefined {
  if (!present(file)) return undefined;
  try {
    const value = JSON.parse(readText(file)) as Partial<Shown>;
    if (typeof value.fingerprint !== 'string') return undefined;
    return { fingerprint: value.fingerprint, ...(typeof value.since === 'number' && { since: value.since }) };
  } catch {
    return undefined;
  }
}
