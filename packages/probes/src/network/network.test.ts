/** Firewall rules of either kind, routes without `ip`, and the metadata address with all who may answer there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseRoute } from '@rollcall/diagnosis/collected';
import { findRoute } from '../endpoints/route.ts';
import { openSight } from '../machine/sight.ts';
import { makeMachine } from '../testing/machine.ts';
import { parseIptables, parseNft } from './firewall.ts';
import { readMetadata } from './metadata.ts';

test('of a firewall’s rules those count that the way out leads to and that stop something', () => {
  const rule = (chain: string, ...expr: object[]) => ({ rule: { family: 'inet', table: 'f', chain, expr } });
  const nft = parseNft(
    JSON.stringify({
      nftables: [
        { metainfo: {} },
        { chain: { family: 'inet', table: 'f', name: 'in', hook: 'input', policy: 'drop' } },
        { chain: { family: 'inet', table: 'f', name: 'out', hook: 'output', policy: 'accept' } },
        { chain: { family: 'inet', table: 'f', name: 'egress' } },
        rule('in', { drop: null }),
        rule('out', { jump: { target: 'egress' } }),
        rule('egress', { match: { right: 8443 } }, { reject: null }),
        rule('egress', { match: { right: 443 } }, { accept: null }),
      ],
    }),
  );
  assert.equal(nft?.answersDropped, 'drop', 'nothing lets answers in');
  assert.equal(nft?.outputPolicy, 'accept');
  assert.equal(nft?.rules.length, 1);
  assert.match(nft?.rules[0] ?? '', /8443/);
  assert.equal(parseNft('{"nftables": []}'), undefined);
  const input = (...rules: object[]) =>
    parseNft(
      JSON.stringify({
        nftables: [
          { chain: { family: 'inet', table: 'f', name: 'in', hook: 'input', policy: 'drop' } },
          ...rules,
        ],
      }),
    )?.answersDropped;
  const ssh = { match: { left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 22 } };
  const established = { match: { left: { ct: { key: 'state' } }, right: ['established', 'related'] } };
  assert.equal(input(rule('in', ssh, { accept: null })), 'drop');
  assert.equal(
    input(rule('in', ssh, { accept: null }), rule('in', established, { accept: null })),
    undefined,
  );
  assert.equal(input(rule('in', { jump: { target: 'other' } })), undefined, 'it may let them in');
  assert.equal(input(rule('in', { accept: null })), undefined);
  assert.equal(parseIptables(':INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n')?.answersDropped, 'drop');
  const lets = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n';
  assert.equal(parseIptables(`:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n${lets}`)?.answersDropped, undefined);
  assert.equal(parseNft('not json'), undefined);
  assert.deepEqual(parseIptables(':OUTPUT DROP [0:0]\n-A INPUT -j DROP\n'), {
    kind: 'iptables',
    outputPolicy: 'drop',
    rules: [],
  });
});

test('a route is read of what `ip` says, refusals too; without `ip` it is found in the kernel’s table', async (t) => {
  assert.deepEqual(parseRoute('10.0.0.5 via 10.0.0.1 dev eth0 src 10.0.0.2 uid 0 \n    cache'), {
    ok: true,
    device: 'eth0',
    via: '10.0.0.1',
    source: '10.0.0.2',
  });
  const blackhole = parseRoute('blackhole 10.0.0.5');
  assert.equal(blackhole.ok === false && blackhole.error, 'unreachable');
  const machine = makeMachine(t);
  const header = 'Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n';
  machine.put(
    '/proc/net/route',
    `${header}eth0 00000000 0102000A 0003 0 0 0 00000000 0 0 0\ndocker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n`,
  );
  const sight = openSight({ ...machine.options, budget: 2000 }, () => {});
  assert.deepEqual(await findRoute(sight, '10.9.9.9'), { ok: true, device: 'eth0', via: '10.0.2.1' });
  assert.deepEqual(await findRoute(sight, '172.17.3.4'), { ok: true, device: 'docker0' });
  const refusing = makeMachine(t, {
    'ip route get': { code: 2, err: 'RTNETLINK answers: Permission denied\n' },
  });
  const refused = await findRoute(
    openSight({ ...refusing.options, budget: 2000 }, () => {}),
    '10.9.9.9',
  );
  assert.equal(refused?.ok === false && refused.error, 'prohibited');
});

async function metadata(t: TestContext, listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return readMetadata(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 400);
}

test('the metadata service is told from those that stand in its place, and no credentials are asked for', async (t) => {
  const asked: string[] = [];
  const real = await metadata(t, (request, response) => {
    asked.push(request.url ?? '');
    if (request.method === 'PUT') return response.end('A'.repeat(56));
    if (request.headers['x-aws-ec2-metadata-token'] === undefined) return response.writeHead(401).end();
    if (request.url === '/latest/meta-data/instance-id') return response.end('i-0123456789abcdef0');
    if (request.url?.endsWith('document')) return response.end('{"region" : "eu-west-1"}');
    return response.end('app-role');
  });
  assert.deepEqual(real, {
    answers: true,
    isImds: true,
    instanceId: 'i-0123456789abcdef0',
    region: 'eu-west-1',
    version: 2,
    role: 'app-role',
  });
  assert.ok(asked.every((url) => !/security-credentials\/./.test(url)));
  const portal = await metadata(t, (_, response) => response.end('<html>Please log in</html>'));
  assert.equal(portal.answers, true);
  assert.equal(portal.isImds, false);
  const off = await metadata(t, (_, response) => response.writeHead(403).end());
  assert.equal(off.answers, true);
  assert.equal(off.isImds, undefined, 'turned off, or somebody else: that can’t be told');
  const old = await metadata(t, (request, response) => {
    if (request.method === 'PUT') return response.writeHead(404).end();
    return response.end('i-0123456789abcdef0');
  });
  assert.equal(old.version, 1);
  const silent = await metadata(t, () => {});
  assert.equal(silent.answers, false);
  assert.equal((await readMetadata('http://127.0.0.1:1', 300)).answers, false);
});
