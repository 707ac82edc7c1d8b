/** The version of this copy of Rollcall. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Reads the version from the repository's `package.json`. */
export function version(): string {
  const file = path.join(import.meta.dirname, '../../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
