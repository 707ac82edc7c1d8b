/** The scripts for machines that have nothing of ours, as texts to send somewhere. */
import { readFileSync } from 'node:fs';

/** `collect.sh`, for any POSIX shell; `collect.ps1` for Windows. */
export function collectScript(kind: 'sh' | 'ps1' = 'sh'): string {
  return readFileSync(new URL(`../scripts/collect.${kind}`, import.meta.url), 'utf8');
}
