/** One call, ready to be made, and what its answer promises. */
import { randomBytes } from 'node:crypto';
import type { Books } from './books.ts';

/** What an answer promised: an audit row, or anything else that can be looked up. */
export type Promised =
  | { readonly operation: string; readonly resource: string; readonly detail?: string }
  | { readonly what: string; holds(books: Books): boolean };

/** One call, ready to be made. */
export interface Drive {
  /** Stands among the values of the write that it causes, and of no other's. */
  readonly token: string;
  /** Makes the call; resolves, when it was answered, with what that promised. */
  act(): Promise<Promised>;
  /** What a client does after the server is back, whether it had its answer or not. */
  afterwards?(answered: boolean): Promise<void>;
}

/** A name that nothing else has. */
export const uniqueName = (what: string) => `${what}-${randomBytes(5).toString('hex')}`;
