/** What an answer looks like before anybody has made `Date`s of its numbers, and how lists are read whole. */
import type { CallOptions, Client } from './client.ts';

/** A type of `@rollcall/wire` as it stands in JSON: times are seconds since the epoch. */
export type Wire<T> = T extends Date
  ? number
  : T extends readonly (infer E)[]
    ? Wire<E>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** A list that was read page by page. */
export interface WholeList<T, P> {
  readonly items: T[];
  /** The last page, for its totals. */
  readonly page: P;
  /** True when there is more than was asked for. */
  readonly more: boolean;
}

/** How a list is read. */
export interface ListOptions extends CallOptions {
  readonly limit?: number | undefined;
  /** Ours unless said. */
  readonly service?: 'rollcall' | 'ssm';
  /** The most that the operation gives at once; 1000 unless said. */
  readonly pageSize?: number;
}

/** Reads pages until there are `limit` items or no more. */
export async function listAll<T, P extends { NextToken?: string | undefined }>(
  client: Client,
  operation: string,
  input: object,
  itemsOf: (page: P) => readonly T[],
  options: ListOptions = {},
): Promise<WholeList<T, P>> {
  const { limit = Number.POSITIVE_INFINITY, service = 'rollcall', pageSize = 1000, ...callOptions } = options;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const MaxResults = Math.min(pageSize, limit - items.length);
    const request = { ...input, MaxResults, ...(token && { NextToken: token }) };
    const page = await client.call<P>(service, operation, request, callOptions);
    items.push(...itemsOf(page));
    token = page.NextToken || undefined;
    if (!token || items.length >= limit)
      return { items: items.slice(0, limit), page, more: token !== undefined };
  }
}

/** Turns the named members of every object in `value` from seconds since the epoch into UTC text. */
export function withUtcTimes(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((entry) => withUtcTimes(entry, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      names.has(name) && typeof entry === 'number'
        ? new Date(entry * 1000).toISOString()
        : withUtcTimes(entry, names),
    ]),
  );
}

/** Every member of our operations that is a time. */
export const timeNames: ReadonlySet<string> = new Set([
  'LastPingDateTime',
  'RegistrationDate',
  'ChannelOpenedAt',
  'CloneSeenAt',
  'DeregisteredAt',
  'FirstAt',
  'LastAt',
  'At',
  'CreatedAt',
  'ExpiresAt',
  'Time',
  'CreatedDate',
  'ExpirationDate',
  'RequestedDateTime',
  'ExpiresAfter',
  'FirstSeenAt',
  'LastSeenAt',
  'RetiredAt',
  'MaintenanceUntil',
  'ReadAt',
  'FailingSince',
  'From',
  'To',
  'Since',
]);
