/**
 * The conditions of a statement, checked when a policy is attached. Whatever the simulator would quietly
 * never match is refused here: a Deny that never matches helps nobody.
 */
import { isIP } from 'node:net';

/** `{operator: {key: value or values}}`. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Family = (value: string) => boolean;

const text: Family = () => true;
const number: Family = (value) => /^-?\d{1,15}(?:\.\d{1,9})?$/.test(value);
const date: Family = (value) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/.test(value) && !Number.isNaN(Date.parse(value));
const bool: Family = (value) => /^(?:true|false)$/i.test(value);

const families: readonly [Family, string][] = [
  [
    text,
    'StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike',
  ],
  [text, 'ArnEquals ArnLike ArnNotEquals ArnNotLike'],
  [number, 'NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals'],
  [number, 'NumericGreaterThan NumericGreaterThanEquals'],
  [date, 'DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals'],
  [bool, 'Bool Null'],
  [isNetwork, 'IpAddress NotIpAddress'],
];
const operators = new Map(
  families.flatMap(([family, names]) =>
    names.split(' ').map((name) => [name.toLowerCase(), family] as const),
  ),
);

/** The keys that a condition or variable may use, in lower case; those with `/` take any tag key after it. */
const contextKeys: readonly string[] = [
  'aws:currenttime',
  'aws:epochtime',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:requestedregion',
  'aws:resourceaccount',
  'aws:securetransport',
  'aws:sourceip',
  'aws:useragent',
  'aws:userid',
  'aws:username',
  'aws:resourcetag/',
  'ssm:resourcetag/',
];

/** Whether Rollcall can tell a condition key's value; `key` in lower case. */
export function isContextKey(key: string): boolean {
  return (
    contextKeys.some((served) => key === served || (served.endsWith('/') && key.startsWith(served))) &&
    !key.endsWith('/')
  );
}

/** What is wrong with the conditions, a sentence each. */
export function conditionProblems(conditions: Conditions, path: string): string[] {
  const problems: string[] = [];
  for (const [operator, tests] of Object.entries(conditions)) {
    const where = `${path}.Condition.${operator}`;
    const family = familyOf(operator);
    if (!family) {
      problems.push(`${path}.Condition: there is no operator ${operator}`);
      continue;
    }
    const entries = Object.entries(tests ?? {});
    if (entries.length === 0) problems.push(`${where}: it is empty`);
    for (const [key, value] of entries) {
      const values = [value].flat();
      if (values.length === 0) problems.push(`${where}.${key}: it is empty`);
      for (const one of values) {
        // What a variable will stand for can't be known yet; only text may be compared with it.
        if (!family(String(one))) problems.push(`${where}.${key}: ${operator} can't compare "${one}"`);
      }
    }
  }
  return problems;
}

/** `ForAnyValue:StringLikeIfExists` compares as `StringLike` does. */
function familyOf(operator: string): Family | undefined {
  const lower = operator.toLowerCase();
  const base = lower.replace(/^for(?:allvalues|anyvalue):/, '');
  if (base === 'null') return base === lower ? bool : undefined;
  return operators.get(base.replace(/ifexists$/, ''));
}

function isNetwork(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/');
  const kind = isIP(address);
  if (kind === 0 || rest.length > 0 || address.includes('%')) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (kind === 4 ? 32 : 128));
}
