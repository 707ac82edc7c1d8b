/** Which rules of a firewall could stop what an agent sends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { couldStop } from './firewall-rule.ts';

const addresses = ['203.0.113.10'];
const nft = (field: string, right: unknown, end: object = { drop: null }, op = '==') =>
  `inet f out ${JSON.stringify([
    { match: { op, left: { payload: { protocol: field === 'daddr' ? 'ip' : 'tcp', field } }, right } },
    end,
  ])}`;

test('a rule that is certainly about something else stops nothing', () => {
  for (const rule of [
    '-A OUTPUT -p udp -m udp --dport 443 -j DROP',
    '-A OUTPUT -p tcp -m tcp --dport 25 -j DROP',
    '-A OUTPUT -p tcp -m multiport --dports 25,110:143 -j REJECT',
    '-A OUTPUT -d 169.254.169.254/32 -j REJECT --reject-with icmp-port-unreachable',
    '-A OUTPUT -d 10.0.0.0/8 -p tcp -j DROP',
    nft('dport', 25),
    nft('dport', { set: [25, { range: [8000, 9000] }] }),
    nft('daddr', '169.254.169.254', { reject: null }),
    nft('daddr', { prefix: { addr: '10.0.0.0', len: 8 } }),
  ])
    assert.equal(couldStop(rule, '443', addresses), false, rule);
});

test('a rule that fits, or that cannot be read, could', () => {
  for (const rule of [
    '-A OUTPUT -j DROP',
    '-A OUTPUT -p tcp -m tcp --dport 443 -j DROP',
    '-A OUTPUT -p tcp -m tcp ! --dport 22 -j DROP',
    '-A OUTPUT -p tcp -m multiport --dports 80,443 -j REJECT',
    '-A OUTPUT -p tcp -m tcp --dport 1:1024 -j DROP',
    '-A OUTPUT ! -d 10.0.0.0/8 -j DROP',
    '-A OUTPUT -d 203.0.113.0/24 -j DROP',
    nft('dport', 443),
    nft('dport', { set: [80, { range: [400, 500] }] }),
    nft('dport', 25, { drop: null }, '!='),
    nft('daddr', { prefix: { addr: '203.0.113.0', len: 24 } }),
    nft('daddr', '@blocked'),
    'something that nobody has written yet',
  ])
    assert.equal(couldStop(rule, '443', addresses), true, rule);
});
