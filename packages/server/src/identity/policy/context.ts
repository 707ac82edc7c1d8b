/** The condition keys that Rollcall knows: what may be asked of each, and its value in a request. */
import type { Call } from '../../service/index.ts';
import type { Family } from './operators.ts';

/** What a policy is told about a request. */
export interface PolicyCall {
  readonly call: Call;
  readonly userName: string;
  readonly userId: string;
  readonly principalArn: string;
  readonly action: string;
  readonly resource: string;
  /** The tags of the resource; asked only when the policy looks at tags. */
  tags(): Promise<Readonly<Record<string, string>>>;
}

/** The values of the keys that a policy uses, by their names in lower case; absent ones are left out. */
export type Context = ReadonlyMap<string, string>;

interface ContextKey {
  /** What its value can be compared as, other than as text. */
  readonly families: readonly Family[];
  value(call: PolicyCall): string;
}

const keys: ReadonlyMap<string, ContextKey> = new Map(
  Object.entries({
    'aws:currenttime': { families: ['date'], value: ({ call }) => new Date(call.at).toISOString() },
    'aws:epochtime': {
      families: ['date', 'number'],
      value: ({ call }) => String(Math.floor(call.at / 1000)),
    },
    'aws:principalaccount': { families: [], value: ({ call }) => call.account },
    'aws:principalarn': { families: ['arn'], value: ({ principalArn }) => principalArn },
    'aws:principaltype': { families: [], value: () => 'User' },
    'aws:requestedregion': { families: [], value: ({ call }) => call.region },
    'aws:resourceaccount': { families: [], value: ({ call }) => call.account },
    'aws:securetransport': { families: ['bool'], value: () => 'true' },
    'aws:sourceip': { families: ['address'], value: ({ call }) => call.source.address },
    'aws:useragent': { families: [], value: ({ call }) => call.source.userAgent },
    'aws:userid': { families: [], value: ({ userId }) => userId },
    'aws:username': { families: [], value: ({ userName }) => userName },
  } satisfies Record<string, ContextKey>),
);
/** Longer than any value that a policy means; comparing takes time by the square of it. */
const longestValue = 2048;
const tagPrefixes = ['aws:resourcetag/', 'ssm:resourcetag/'];

/** Whether Rollcall can tell a key's value; `key` in lower case. */
export function isContextKey(key: string): boolean {
  return keys.has(key) || tagOf(key) !== undefined;
}

/** Whether values of a key that is known can be compared as that; tags can hold anything. */
export function canBe(key: string, family: Family): boolean {
  if (family === 'text' || family === 'bytes' || family === 'presence') return true;
  return keys.get(key)?.families.includes(family) ?? true;
}

/** Whether a key changes by itself, so that no decision by it can be kept. */
export function isTime(key: string): boolean {
  return keys.get(key)?.families.includes('date') ?? false;
}

/** Finds the values of these keys, and nothing else, so that equal requests look equal. */
export async function contextOf(call: PolicyCall, wanted: readonly string[]): Promise<Context> {
  const tagged = wanted.some((key) => tagOf(key) !== undefined);
  const tags = tagged ? byLowerCase(await call.tags()) : new Map<string, string>();
  const context = new Map<string, string>();
  for (const key of wanted) {
    const tag = tagOf(key);
    const value = tag === undefined ? keys.get(key)?.value(call) : tags.get(tag);
    if (value === undefined) continue;
    if (value.length > longestValue) throw new Error(`${key} is too long to be compared.`);
    context.set(key, value);
  }
  return context;
}

function tagOf(key: string): string | undefined {
  const prefix = tagPrefixes.find((each) => key.startsWith(each) && key.length > each.length);
  return prefix && key.slice(prefix.length);
}

/** Condition keys don't know case; two tags that differ only by it can't be told apart: nothing is decided. */
function byLowerCase(tags: Readonly<Record<string, string>>): Map<string, string> {
  const lower = new Map<string, string>();
  for (const [name, value] of Object.entries(tags)) {
    if (lower.has(name.toLowerCase())) throw new Error('Two tags differ only by case.');
    lower.set(name.toLowerCase(), value);
  }
  return lower;
}
