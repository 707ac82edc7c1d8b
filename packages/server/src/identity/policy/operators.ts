/** The operators of conditions: what each can compare with, and how it compares. */
import { BlockList, isIP } from 'node:net';
import type { Answer } from './answer.ts';
import { type Lookup, matches, matchesArn, readArnPattern, readTemplate } from './patterns.ts';

/** What kind of values an operator compares; text and bytes can be made of everything. */
export type Family = 'text' | 'bytes' | 'arn' | 'number' | 'date' | 'bool' | 'address' | 'presence';

/** A value of a policy, ready to be compared with one of a request. */
export interface Comparison {
  /** The keys of the variables in the policy's value. */
  readonly keys: readonly string[];
  /** Undefined when the request's value, or a variable, isn't what can be compared. */
  compare(value: string, lookup: Lookup): Answer;
}

/** An operator without its prefix `ForAllValues:` or `ForAnyValue:` and its suffix `IfExists`. */
export interface Operator {
  readonly family: Family;
  /** Whether it asks that no value of the policy matches. */
  readonly negated: boolean;
  /** Reads a value of the policy; undefined when the operator can't compare it. */
  read(text: string): Comparison | undefined;
}

type Order = (left: number, right: number) => boolean;
type Reader = Operator['read'];

const orders: readonly [string, Order][] = [
  ['Equals', (left, right) => left === right],
  ['LessThan', (left, right) => left < right],
  ['LessThanEquals', (left, right) => left <= right],
  ['GreaterThan', (left, right) => left > right],
  ['GreaterThanEquals', (left, right) => left >= right],
];

const operators = new Map<string, Operator>();
add('text', 'StringEquals', 'StringNotEquals', textReader(false, false));
add('text', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', textReader(false, true));
add('text', 'StringLike', 'StringNotLike', textReader(true, false));
add('arn', 'ArnEquals', 'ArnNotEquals', readArn);
add('arn', 'ArnLike', 'ArnNotLike', readArn);
for (const [name, order] of orders) {
  const numbers = valueReader(readNumber, order);
  const dates = valueReader(readDate, order);
  add('number', `Numeric${name}`, name === 'Equals' ? 'NumericNotEquals' : undefined, numbers);
  add('date', `Date${name}`, name === 'Equals' ? 'DateNotEquals' : undefined, dates);
}
add('bool', 'Bool', undefined, valueReader(readBool, Object.is));
add('address', 'IpAddress', 'NotIpAddress', readNetwork);
add('bytes', 'BinaryEquals', undefined, readBytes);
add('presence', 'Null', undefined, valueReader(readBool, Object.is));

/** The operator of that name, in whatever case. */
export function findOperator(name: string): Operator | undefined {
  return operators.get(name.toLowerCase());
}

function add(family: Family, name: string, opposite: string | undefined, read: Reader): void {
  operators.set(name.toLowerCase(), { family, negated: false, read });
  if (opposite !== undefined) operators.set(opposite.toLowerCase(), { family, negated: true, read });
}

function textReader(wildcards: boolean, ignoreCase: boolean): Reader {
  const same = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  return (text) => {
    const template = readTemplate(same(text), wildcards);
    if (!template) return undefined;
    const compare: Comparison['compare'] = (value, lookup) =>
      matches(template, same(value), (key) => {
        const found = lookup(key);
        return found === undefined ? undefined : same(found);
      });
    return { keys: template.keys, compare };
  };
}

function readArn(text: string): Comparison | undefined {
  const pattern = readArnPattern(text);
  if (typeof pattern === 'string') return undefined;
  return { keys: pattern.keys, compare: (value, lookup) => matchesArn(pattern, value, lookup) };
}

/** Compares what both sides read as. */
function valueReader<T>(
  read: (text: string) => T | undefined,
  order: (left: T, right: T) => boolean,
): Reader {
  return (text) => {
    const right = read(text);
    if (right === undefined) return undefined;
    const compare = (value: string) => {
      const left = read(value);
      return left === undefined ? undefined : order(left, right);
    };
    return { keys: [], compare };
  };
}

function readNumber(text: string): number | undefined {
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}

/** A day, a time with its zone, or seconds since the epoch; in milliseconds. */
function readDate(text: string): number | undefined {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const form = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(text);
  if (!form) return undefined;
  const [day, time] = [Date.parse(form[1]!), Date.parse(text)];
  // The 31st of February reads as a day in March.
  if (Number.isNaN(day) || Number.isNaN(time)) return undefined;
  return new Date(day).toISOString().startsWith(form[1]!) ? time : undefined;
}

function readBool(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

function readNetwork(text: string): Comparison | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const kind = familyOf(address);
  if (!kind || rest.length > 0 || address.includes('%')) return undefined;
  const longest = kind === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : Infinity;
  if (bits > longest) return undefined;
  const network = new BlockList();
  network.addSubnet(address, bits, kind);
  const compare = (value: string) => {
    const bare = value.replace(/%.*$/s, '');
    const own = familyOf(bare);
    // A BlockList would find every IPv4 address in ::/0.
    return own === undefined ? undefined : own === kind && network.check(bare, kind);
  };
  return { keys: [], compare };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}

function readBytes(text: string): Comparison | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) return undefined;
  return { keys: [], compare: (value) => bytes.equals(Buffer.from(value)) };
}
