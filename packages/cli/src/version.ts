/** The version of this copy of Rollcall. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Reads the version from the repository's `package.json`. */
export function version(root: string): string {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
