/** The hash of a document, by which senders can say which content they mean. */
import { createHash } from 'node:crypto';

/** The SHA-256 of a document's text as it is stored (UTF-8), in small hexadecimal letters. */
export function documentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
