/** The NextToken of our own lists: the place where the page ended, in a form nobody takes for an id. */
import { Refusal } from '../service/index.ts';

/** Writes a token. The parts say where the next page begins. */
export function writePageToken(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Reads a token of as many parts as `kinds` names, or refuses it. */
export function readPageToken(token: string, kinds: readonly ('string' | 'number')[]): (string | number)[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === kinds.length) {
      if (kinds.every((kind, index) => typeof parts[index] === kind)) return parts;
    }
  } catch {
    // Not one of ours: refused below, like any other.
  }
  throw new Refusal('InvalidNextToken', 'The specified token is not valid.');
}
