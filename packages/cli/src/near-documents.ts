/** A document that nobody knows, and the one that may have been meant. */

import type { Client } from './client.ts';
import { ServiceError } from './client.ts';
import { Failure } from './failure.ts';
import { nearest } from './near.ts';
import { listAll } from './wire.ts';

interface Page {
  readonly DocumentIdentifiers: readonly { readonly Name: string }[];
  readonly NextToken?: string;
}

/** ` Did you mean "AWS-RunShellScript"?`; nothing where no name is near, or the names may not be seen. */
export async function didYouMean(client: Client, typed: string): Promise<string> {
  try {
    const { items } = await listAll<{ readonly Name: string }, Page>(
      client,
      'ListDocuments',
      {},
      (page) => page.DocumentIdentifiers,
      { service: 'ssm', pageSize: 50, limit: 2000 },
    );
    const names = items.map(({ Name }) => Name);
    // Whoever leaves the owner out means the same.
    const near = nearest(names, typed) ?? names.find((name) => isWithoutOwner(name, typed));
    return near === undefined ? '' : ` Did you mean "${near}"?`;
  } catch (error) {
    if (error instanceof Failure) return '';
    throw error;
  }
}

function isWithoutOwner(name: string, typed: string): boolean {
  const [, bare] = /^[A-Z]+-(.+)$/.exec(name) ?? [];
  return bare !== undefined && nearest([bare], typed, 1) !== undefined;
}

/** Does something with a document; where there is none of that name, says which one there is. */
export async function withDocument<T>(client: Client, typed: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'InvalidDocument') throw error;
    const near = await didYouMean(client, typed);
    if (near === '') throw error;
    throw new Failure(`${error.message.replace(/\.$/, '')}.${near}`, error.exitCode, { cause: error });
  }
}
