/** Conditions as a second reader of IAM understands them, on 10,000 made-up pairs; it shares no code with the first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account } from '../testing.ts';
import { compilePolicy } from './compiled.ts';
import { asked, node } from './testing.ts';

interface Document {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string;
  readonly Resource: string;
  readonly Condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
type Values = Readonly<Record<string, string>>;

/** No, perhaps, yes: of all the least, of any the most, the opposite of each is what it lacks to one. */
type Truth = 0 | 0.5 | 1;
const sure = (holds: boolean): Truth => (holds ? 1 : 0);
const least = (truths: readonly Truth[]) => Math.min(1, ...truths) as Truth;
const most = (truths: readonly Truth[]) => Math.max(0, ...truths) as Truth;
const lacking = (truth: Truth) => (1 - truth) as Truth;

const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** How a pattern of a policy fits: perhaps, when it does but a variable has no value. */
function expression(text: string, values: Values, wild: boolean, flags = '') {
  let certain = true;
  const source = text.replace(/\$\{(.*?)\}|./gs, (whole, name: string | undefined) => {
    if (name === undefined) return whole === '*' && wild ? '.*' : whole === '?' && wild ? '.' : quote(whole);
    if (['*', '?', '$'].includes(name)) return quote(name);
    const [key = '', otherwise] = name.split(', ');
    const value = values[key.toLowerCase()] ?? otherwise?.slice(1, -1);
    if (value === undefined) certain = false;
    return value === undefined ? '.*' : quote(value);
  });
  const pattern = new RegExp(`^${source}$`, `s${flags}`);
  return (against: string): Truth => (!pattern.test(against) ? 0 : certain ? 1 : 0.5);
}

function bits(address: string): string {
  const binary = (part: string, base: number, width: number) =>
    Number.parseInt(part, base).toString(2).padStart(width, '0');
  if (!address.includes(':'))
    return address
      .split('.')
      .map((part) => binary(part, 10, 8))
      .join('');
  const [left = [], right] = address.split('::').map((half) => half.split(':').filter((part) => part !== ''));
  const zeros = right ? Array.from({ length: 8 - left.length - right.length }, () => '0') : [];
  return [...left, ...zeros, ...(right ?? [])].map((part) => binary(part, 16, 16)).join('');
}

/** One value of the policy against the one of the request. */
function compares(base: string, wanted: string, value: string, values: Values): Truth {
  const text = (wild: boolean, flags = '') => expression(wanted, values, wild, flags)(value);
  const ordered = (left: number, right: number): Truth => {
    if (Number.isNaN(left)) return 0.5;
    const [less, same] = [left < right, left === right];
    if (base.endsWith('LessThanEquals')) return sure(less || same);
    if (base.endsWith('GreaterThanEquals')) return sure(!less);
    if (base.endsWith('LessThan')) return sure(less);
    if (base.endsWith('GreaterThan')) return sure(!less && !same);
    return sure(same);
  };
  if (base === 'StringEquals') return text(false);
  if (base === 'StringEqualsIgnoreCase') return text(false, 'i');
  if (base === 'StringLike') return text(true);
  if (base.startsWith('Arn')) return text(true);
  if (base.startsWith('Numeric'))
    return ordered(/^\d+$/.test(value) ? Number(value) : Number.NaN, Number(wanted));
  if (base.startsWith('Date')) return ordered(instant(value), instant(wanted));
  if (base === 'Bool') return sure(value === wanted.toLowerCase());
  if (base === 'BinaryEquals') return sure(btoa(value) === wanted);
  const [network = '', length = '128'] = wanted.split('/');
  if (network.includes(':') !== value.includes(':')) return 0;
  return sure(bits(value).slice(0, Number(length)) === bits(network).slice(0, Number(length)));
}

function instant(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : new Date(text).getTime();
}

function line(operator: string, key: string, wanted: readonly string[], values: Values): Truth {
  const base = operator.replace(/^For.*:/, '').replace('IfExists', '');
  const value = values[key.toLowerCase()];
  if (base === 'Null') return sure(wanted.includes(String(value === undefined)));
  const negative = base.includes('Not');
  if (value === undefined) {
    if (operator.endsWith('IfExists') || operator.startsWith('ForAll')) return 1;
    return sure(negative && !operator.startsWith('ForAny'));
  }
  const matched = most(wanted.map((one) => compares(base.replace('Not', ''), one, value, values)));
  return negative ? lacking(matched) : matched;
}

/** A Deny that perhaps applies does; an Allow that perhaps applies doesn't. */
function naive(statements: readonly Document[], resource: string, values: Values): boolean {
  const truths = statements.map(({ Resource, Condition }) => {
    const lines = Object.entries(Condition).flatMap(([operator, tests]) =>
      Object.entries(tests).map(([key, wanted]) => line(operator, key, [wanted].flat().map(String), values)),
    );
    return least([expression(Resource, values, true)(resource), ...lines]);
  });
  const denied = statements.some(({ Effect }, index) => Effect === 'Deny' && truths[index]! > 0);
  return !denied && statements.some(({ Effect }, index) => Effect === 'Allow' && truths[index] === 1);
}

/** A policy variable. */
const variable = (inside: string) => `\${${inside}}`;

const names = ['ann', 'Ann', 'bob', 'a*', 'a.n', '?nn', ''];
const addresses = ['10.0.0.7', '10.128.0.1', '192.0.2.255', '0.0.0.0', '255.255.255.255'];
addresses.push(
  '2001:db8::1',
  '2001:db8:0:1::',
  'fe80::ffff',
  '::1',
  '::',
  '2001:0db8:0000:0000:0000:0000:0000:0001',
);
const networks = ['10.0.0.0/8', '10.0.0.0/9', '10.0.0.7', '0.0.0.0/0', '192.0.2.0/25', '192.0.2.254/31'];
networks.push('2001:db8::/32', '2001:db8::/64', '::/0', '::1/128', 'fe80::/10', '2001:db8::1', '128.0.0.0/1');
const times = [
  '2026-11-23',
  '2026-11-23T12:00:00Z',
  '2026-11-23T12:00Z',
  '2026-11-23T13:00:00+01:00',
  '2026-11-23T11:59:59.999Z',
];
times.push('1795435200', '1795435201', '2027-01-01T00:00:00Z', '2000-02-29');
const patterns = [
  'ann',
  'A*',
  'a*',
  '*',
  '?nn',
  `${variable('*')}nn`,
  `a${variable('*')}`,
  `${variable('$')}x`,
  `${variable('?')}nn`,
  'a.n',
  '*n*n',
  '',
  variable('aws:username'),
];
patterns.push(
  variable('aws:ResourceTag/Owner'),
  variable("aws:ResourceTag/Owner, 'ann'"),
  `${variable('aws:ResourceTag/Owner')}*`,
  'ANN',
  '**a**',
);
const users = ['*', 'ann', variable('aws:username'), '?nn', variable('aws:ResourceTag/Owner'), 'a*n'].map(
  (end) => `arn:aws:iam::${account}:user/${end}`,
);
users.push(
  'arn:aws:iam::*:user/*',
  'arn:aws:iam::*',
  '*',
  `arn:aws:i?m::${account}:user/a*`,
  'arn:aws:ssm:*:*:user/ann',
);
const numbers = ['0', '3', '7', '07', '-1', '7.5', 1795435200, 1795435199];
const bases: readonly [operators: string, keys: string, values: readonly unknown[]][] = [
  [
    'StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase',
    'aws:username aws:ResourceTag/Owner aws:userid',
    patterns,
  ],
  ['StringLike StringNotLike', 'aws:username AWS:UserName ssm:resourceTag/Owner aws:UserAgent', patterns],
  ['StringEquals StringNotLike', 'aws:RequestedRegion', ['us-east-1', 'eu-*', 'us-*']],
  [
    'StringEquals StringNotEquals',
    'aws:PrincipalAccount aws:ResourceAccount aws:PrincipalType',
    [account, 'User', '1'],
  ],
  ['ArnEquals ArnLike ArnNotEquals ArnNotLike', 'aws:PrincipalArn', users],
  [
    'NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals',
    'aws:ResourceTag/Level aws:EpochTime',
    numbers,
  ],
  ['NumericGreaterThan NumericGreaterThanEquals', 'aws:ResourceTag/Level aws:EpochTime', numbers],
  ['DateEquals DateNotEquals DateLessThan DateLessThanEquals', 'aws:CurrentTime aws:EpochTime', times],
  ['DateGreaterThan DateGreaterThanEquals', 'aws:CurrentTime aws:EpochTime', times],
  ['Bool', 'aws:SecureTransport', ['true', 'false', true, 'FALSE']],
  ['IpAddress NotIpAddress', 'aws:SourceIp', networks],
  ['BinaryEquals', 'aws:username', ['YW5u', 'Ym9i', '']],
  ['Null', 'aws:ResourceTag/Owner aws:username aws:ResourceTag/Level', ['true', false, true]],
];

test('1,000 made-up policies with conditions decide 10,000 requests exactly as a naive reader does', async () => {
  let seed = 20261124;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const pick = <T>(from: readonly T[]) => from[below(from.length)]!;
  const some = <T>(from: readonly T[]) =>
    below(2) === 0 ? pick(from) : Array.from({ length: 1 + below(3) }, () => pick(from));
  const condition = () => {
    const [operators, keys, values] = pick(bases);
    const base = pick(operators.split(' '));
    const name =
      base === 'Null'
        ? base
        : pick(['', '', '', 'ForAllValues:', 'ForAnyValue:']) + base + pick(['', '', 'IfExists']);
    return {
      [name]: Object.fromEntries(
        Array.from({ length: 1 + below(2) }, () => [pick(keys.split(' ')), some(values)]),
      ),
    };
  };
  const resources = [
    node('mi-1'),
    node('ann'),
    node('a*'),
    '*',
    `arn:aws:ssm:eu-west-1:${account}:parameter/ann/x:y`,
  ];
  const resourcePatterns = [
    '*',
    '*',
    '*',
    node('*'),
    node(variable('aws:username')),
    node(variable('aws:ResourceTag/Owner')),
    `arn:aws:ssm:*:*:parameter/${variable('aws:username')}/*`,
  ];
  let allowed = 0;
  for (let round = 0; round < 1000; round++) {
    const statements = Array.from({ length: 1 + below(3) }, () => ({
      Effect: below(3) === 0 ? 'Deny' : 'Allow',
      Action: '*',
      Resource: pick(resourcePatterns),
      Condition: below(4) === 0 ? {} : Object.assign({}, condition(), below(3) === 0 ? condition() : {}),
    })) as unknown as Document[];
    const policy = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
    for (let turn = 0; turn < 10; turn++) {
      const [name, address, region, resource] = [
        pick(names),
        pick(addresses),
        pick(['us-east-1', 'eu-west-1']),
        pick(resources),
      ];
      const at = pick([
        Date.UTC(2026, 10, 23, 12),
        Date.UTC(2026, 10, 23, 12, 0, 0, 1),
        Date.UTC(2026, 11, 31),
      ]);
      const tags: Record<string, string> = {};
      if (below(2) === 0) tags.Owner = pick(names);
      if (below(2) === 0) tags.LEVEL = pick(['3', '7', 'high', '']);
      const source = { address, port: 1, userAgent: pick(['ann', '', 'aws-cli/2']) };
      const request = { ...asked('ssm:X', resource, { at, region, source }), userName: name };
      request.principalArn = `arn:aws:iam::${account}:user/${name}`;
      request.tags = async () => tags;
      const values: Record<string, string> = {
        'aws:username': name,
        'aws:userid': request.userId,
        'aws:principalarn': request.principalArn,
        'aws:principaltype': 'User',
        'aws:principalaccount': account,
        'aws:resourceaccount': account,
        'aws:requestedregion': region,
        'aws:securetransport': 'true',
        'aws:sourceip': address,
        'aws:useragent': source.userAgent,
        'aws:currenttime': new Date(at).toISOString(),
        'aws:epochtime': String(Math.floor(at / 1000)),
      };
      for (const [tag, value] of Object.entries(tags)) {
        for (const service of ['aws', 'ssm']) values[`${service}:resourcetag/${tag.toLowerCase()}`] = value;
      }
      const decision = await policy.decide(request);
      const meant = naive(statements, resource, values);
      const shown = JSON.stringify({ statements, resource, values, reason: decision.reason });
      assert.equal(decision.allowed, meant, shown);
      if (meant) allowed += 1;
    }
  }
  assert.ok(allowed > 2000 && allowed < 8000, String(allowed));
});
