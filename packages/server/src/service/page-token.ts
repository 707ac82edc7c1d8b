/**
 * The `NextToken` of lists: where the page ended, and for which question. A token of another question is
 * refused rather than misread.
 */
import { createHash } from 'node:crypto';
import { parseJson } from '@rollcall/wire';
import { Refusal } from './refusal.ts';

/** What a list was asked: everything but the page. */
export type Question = readonly unknown[];

/** Writes the token for what follows after `key`. */
export function writeToken(question: Question, key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([digest(question), ...key])).toString('base64url');
}

/** Reads a token; `undefined` when there is none, a refusal when it isn't one of this question. */
export function readToken<K extends readonly (string | number)[]>(
  question: Question,
  token: string | undefined,
  example: K,
): K | undefined {
  if (token === undefined || token === '') return undefined;
  try {
    const [made, ...key] = parseJson(Buffer.from(token, 'base64url').toString()) as unknown[];
    const fits =
      key.length === example.length && example.every((part, index) => typeof part === typeof key[index]);
    if (made === digest(question) && fits) return key as unknown as K;
  } catch {
    // Not one of ours: refused below, like any other.
  }
  throw new Refusal('InvalidNextToken', 'The specified token is not valid for this request.');
}

function digest(question: Question): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 12);
}
