/** The way to an endpoint, layer by layer, with real sockets: what a person would see fail, named as what it is. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { openSight } from '../machine/sight.ts';
import { makeAuthority, type TestAuthority } from '../testing/certificates.ts';
import { resolveName } from './name.ts';
import { type EndpointPlan, probeEndpoint } from './probe.ts';
import { goProxy, ownProxy } from './proxies.ts';
import { awsRoots, findAwsRoots, goTrust, type Trust } from './trust.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
before(async () => {
  [authority, stranger] = await Promise.all([makeAuthority(), makeAuthority('Corporate inspection')]);
});

const day = 86_400_000;
const service: RequestListener = (request, response) => {
  assert.equal(request.headers.authorization, undefined);
  response
    .writeHead(404, { Server: 'Server', 'x-amzn-RequestId': '1' })
    .end('<UnknownOperationException/>\n');
};

function refuseUpgrades(server: Server): Server {
  server.on('upgrade', (_, socket) => {
    const body = '<UnknownOperationException><message>no such channel</message></UnknownOperationException>';
    socket.end(
      `HTTP/1.1 404 Refused\r\nx-amzn-RequestId: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  return server;
}

async function listen(t: TestContext, server: Server | ReturnType<typeof createTcp>): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(
  t: TestContext,
  tls: { cert: string; key: string },
  listener = service,
  change: (server: Server) => Server = refuseUpgrades,
): Promise<number> {
  return listen(t, change(createHttps(tls, listener)));
}

function trusting(...pems: string[]): Trust {
  return { certificates: pems, partial: false, store: { path: 'test', readable: true, count: pems.length } };
}

async function probe(port: number, more: Partial<EndpointPlan> = {}, budget = 2900, now = Date.now) {
  const sight = openSight({ budget, now, environment: {} }, () => {});
  const plan: EndpointPlan = {
    url: new URL(`https://localhost:${port}`),
    service: 'ssm',
    also: [],
    needed: true,
    proxy: undefined,
    trust: trusting(authority.pem),
    aws: false,
    channels: true,
    ...more,
  };
  const began = performance.now();
  const result = await probeEndpoint(sight, plan, []);
  return { ...result, took: performance.now() - began };
}

test('a good endpoint passes every layer, the websocket too, and tells the time', async (t) => {
  const port = await serve(t, await authority.issue(['localhost']));
  const { evidence, clock } = await probe(port);
  for (const layer of ['name', 'tcp', 'tls', 'http', 'websocket'] as const)
    assert.equal(evidence[layer]?.ok, true, `${layer}: ${JSON.stringify(evidence[layer])}`);
  assert.deepEqual(evidence.name?.ok && evidence.name.addresses.includes('127.0.0.1'), true);
  assert.equal(evidence.http?.status, 404);
  assert.deepEqual(evidence.tls?.names, ['localhost']);
  assert.equal(evidence.tls?.store?.hasRoot, true);
  assert.ok(Math.abs(clock?.aheadMs ?? Number.NaN) < 1500, String(clock?.aheadMs));
});

test('a clock that is wrong is told by how much, in the right direction', async (t) => {
  const port = await serve(t, await authority.issue(['localhost']));
  const { clock } = await probe(port, {}, 2900, () => Date.now() + 402_000);
  assert.ok(Math.abs((clock?.aheadMs ?? 0) - 402_000) < 1500, String(clock?.aheadMs));
});

test('whoever looks at a certificate that isn’t trusted doesn’t look, at the door, like somebody who refused it', async (t) => {
  let asked = 0;
  let refused = 0;
  const port = await serve(
    t,
    await stranger.issue(['localhost']),
    (_, response) => {
      asked += 1;
      response.writeHead(404).end('<UnknownOperationException/>');
    },
    (server) =>
      server.on('tlsClientError', () => {
        refused += 1;
      }),
  );
  const { evidence } = await probe(port);
  assert.equal(evidence.tls?.ok, false);
  assert.equal(asked, 1);
  assert.equal(refused, 0);
});

test('a certificate is judged by what the agent trusts, and says what is wrong with it', async (t) => {
  const port = await serve(t, await stranger.issue(['localhost']));
  const untrusted = await probe(port);
  assert.equal(untrusted.evidence.tls?.ok === false && untrusted.evidence.tls.error, 'untrusted');
  assert.equal(untrusted.evidence.tls?.store?.hasRoot, false);
  assert.match(untrusted.evidence.tls?.issuer ?? '', /Corporate inspection/);
  assert.equal(untrusted.evidence.tls?.rootSelfSigned, true);
  assert.equal(
    untrusted.evidence.http,
    undefined,
    'nothing behind the first fault is said to have been tried',
  );

  const otherName = await serve(t, await authority.issue(['elsewhere.test']));
  const wrong = (await probe(otherName)).evidence.tls;
  assert.equal(wrong?.ok === false && wrong.error, 'wrong-name');
  assert.deepEqual(wrong?.names, ['elsewhere.test']);

  const old = await serve(
    t,
    await authority.issue(['localhost'], { from: Date.now() - 9 * day, to: Date.now() - day }),
  );
  const expired = await probe(old);
  assert.equal(expired.evidence.tls?.ok === false && expired.evidence.tls.error, 'expired');
  assert.equal(expired.evidence.http, undefined);
  assert.match(expired.clock?.source ?? '', /not trusted/);

  const young = await serve(
    t,
    await authority.issue(['localhost'], { from: Date.now() + day, to: Date.now() + 9 * day }),
  );
  const early = (await probe(young)).evidence.tls;
  assert.equal(early?.ok === false && early.error, 'not-yet-valid');
});

test('what does not speak TLS, or hangs up, is told apart', async (t) => {
  const plain = await listen(
    t,
    createTcp((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n')),
  );
  const first = (await probe(plain)).evidence.tls;
  assert.equal(first?.ok === false && first.error, 'not-tls');
  const rude = await listen(
    t,
    createTcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  const second = (await probe(rude)).evidence;
  assert.equal(second.tls?.ok === false && second.tls.error, 'reset');
});

test('a connection that is never answered times out, and all of it within the time for everything', async (t) => {
  const silent = await listen(
    t,
    createTcp(() => {}),
  );
  const { evidence, took } = await probe(silent, {}, 2000);
  assert.equal(evidence.tcp?.ok, true);
  assert.equal(evidence.tls?.ok === false && evidence.tls.error, 'timeout');
  assert.ok(took < 2000, `took ${took}`);
});

test('a port where nothing listens is refused at once', async (t) => {
  const server = createTcp();
  const port = await listen(t, server);
  server.close();
  const { evidence, took } = await probe(port);
  assert.equal(evidence.tcp?.ok === false && evidence.tcp.error, 'refused');
  assert.equal(evidence.tls, undefined);
  assert.ok(took < 1000);
});

test('something else that answers is a captive portal when it sends people away, and else another host', async (t) => {
  const cert = await authority.issue(['localhost']);
  const portal = await serve(t, cert, (_, response) =>
    response.writeHead(302, { Location: 'https://user:secret@login.hotel.test/' }).end(),
  );
  const first = (await probe(portal)).evidence;
  assert.equal(first.http?.ok === false && first.http.error, 'captive-portal');
  assert.doesNotMatch(JSON.stringify(first), /secret/);
  const other = await serve(t, cert, (_, response) => response.end('<h1>It works!</h1>'));
  const second = (await probe(other)).evidence;
  assert.equal(second.http?.ok === false && second.http.error, 'wrong-host');
  assert.equal(second.http?.isService, false);
});

test('a middlebox that takes the upgrade out is seen, and one that answers in the service’s place', async (t) => {
  const cert = await authority.issue(['localhost']);
  const stripped = await serve(t, cert, service, (server) => server);
  const first = (await probe(stripped)).evidence.websocket;
  assert.equal(first?.ok === false && first.error, 'stripped');
  const blocked = await serve(t, cert, service, (server) =>
    server.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nBlocked'),
    ),
  );
  const second = (await probe(blocked)).evidence.websocket;
  assert.equal(second?.ok === false && second.error, 'denied');
  assert.equal(second?.status, 403);
});

test('a proxy is gone through as it is set, and its refusals are its own', async (t) => {
  const target = await serve(t, await authority.issue(['localhost']));
  const asked: (string | undefined)[] = [];
  let answer = 200;
  const proxy = createHttp();
  proxy.on('connect', (request, socket: Socket) => {
    asked.push(request.headers['proxy-authorization']);
    if (answer !== 200) return socket.end(`HTTP/1.1 ${answer} No\r\n\r\n`);
    const on = new URL(`http://${request.url}`);
    import('node:net').then(({ connect }) => {
      const behind = connect(Number(on.port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        behind.pipe(socket).pipe(behind);
      });
      behind.on('error', () => socket.destroy());
      socket.on('error', () => behind.destroy());
    });
    return undefined;
  });
  const port = await listen(t, proxy as unknown as Server);
  const through = { proxy: { url: new URL(`http://me:pa%20ss@localhost:${port}`) } };
  const good = (await probe(target, through)).evidence;
  assert.equal(good.proxy?.ok, true);
  assert.equal(good.http?.ok, true);
  assert.equal(good.websocket?.ok, true);
  assert.equal(good.direct?.ok, true, 'whether it works without the proxy is tried beside');
  assert.deepEqual(asked[0], `Basic ${Buffer.from('me:pa ss').toString('base64')}`);
  assert.doesNotMatch(JSON.stringify(good), /pa%20ss|pa ss/);
  for (const [status, word] of [
    [407, 'auth-required'],
    [403, 'denied'],
    [503, 'bad-gateway'],
    [404, 'not-a-proxy'],
    [418, 'refused-connect'],
  ] as const) {
    answer = status;
    const { proxy: layer, tls } = (await probe(target, through)).evidence;
    assert.equal(layer?.ok === false && layer.error, word);
    assert.equal(layer?.status, status);
    assert.equal(tls, undefined);
  }
  const noProxy = await listen(
    t,
    createTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
  );
  const ssh = (await probe(target, { proxy: { url: new URL(`http://localhost:${noProxy}`) } })).evidence
    .proxy;
  assert.equal(ssh?.ok === false && ssh.error, 'not-a-proxy');
});

/** A resolver that knows one name, and says of another that there is none. */
async function resolverOf(t: TestContext, answers: Readonly<Record<string, string>>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const labels: string[] = [];
    let at = 12;
    while (question[at] !== 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!));
      at += question[at]! + 1;
    }
    const type = question.readUInt16BE(at + 1);
    const address = answers[labels.join('.')];
    const has = address !== undefined && type === 1;
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(has ? 1 : 0, 6);
    const record = has
      ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)])
      : Buffer.alloc(0);
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), record]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

test('a resolver is asked directly, beside what the system says: they may differ', async (t) => {
  const server = await resolverOf(t, { 'ssm.dc.lan': '10.9.9.9' });
  const none = await resolveName('localhost', [server], 900);
  assert.equal(none.ok, true);
  assert.deepEqual(none.direct, [], 'the resolver does not know it, the machine does');
  const found = await resolveName('ssm.dc.lan', [server], 900);
  assert.deepEqual(found.direct, ['10.9.9.9']);
  assert.equal(found.resolver, server);
});

test('a resolver that is silent is given up in time', async (t) => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const began = performance.now();
  const found = await resolveName('no-such-name.invalid', [`127.0.0.1:${socket.address().port}`], 700);
  assert.equal(found.ok, false);
  assert.deepEqual(found.direct, []);
  assert.ok(performance.now() - began < 1500);
});

test('no_proxy is read by the rules of Go for the official agent', () => {
  const uses = (no: string, url: string) =>
    goProxy({ https_proxy: 'http://p:3128', no_proxy: no }, new URL(url)) !== undefined;
  assert.equal(uses('', 'https://ssm.eu-west-1.amazonaws.com'), true);
  assert.equal(uses('amazonaws.com', 'https://ssm.eu-west-1.amazonaws.com'), false);
  assert.equal(uses('.amazonaws.com', 'https://ssm.eu-west-1.amazonaws.com'), false);
  assert.equal(uses('.amazonaws.com', 'https://amazonaws.com'), true);
  assert.equal(uses('*.amazonaws.com', 'https://ssm.amazonaws.com'), false);
  assert.equal(uses('maonaws.com', 'https://amazonaws.com'), true);
  assert.equal(uses('10.0.0.0/8', 'https://10.3.4.5:8443'), false);
  assert.equal(uses('10.0.0.0/8', 'https://11.3.4.5'), true);
  assert.equal(uses('10.3.4.5:8443', 'https://10.3.4.5:8443'), false);
  assert.equal(uses('10.3.4.5:443', 'https://10.3.4.5:8443'), true);
  assert.equal(uses('rollcall.lan:8443', 'https://rollcall.lan:8443'), false);
  assert.equal(uses('*', 'https://anything'), false);
  assert.equal(uses('', 'https://localhost:8443'), false);
  assert.equal(uses('', 'https://127.0.0.1:8443'), false);
  assert.equal(goProxy({}, new URL('https://a')), undefined);
  const upper = goProxy(
    { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' },
    new URL('https://a'),
  );
  assert.equal(upper && 'url' in upper && upper.url.hostname, 'upper');
  const bare = goProxy({ https_proxy: 'proxy.lan:3128' }, new URL('https://a'));
  assert.equal(bare && 'url' in bare && bare.url.href, 'http://proxy.lan:3128/');
  for (const broken of ['http://me:p@ss@proxy:3128', 'http:/ proxy', 'http://', 'http:proxy:3128'])
    assert.ok('problem' in (goProxy({ https_proxy: broken }, new URL('https://a')) ?? {}), broken);
});

test('our agent takes its proxy from its settings only, and spares what they spare', () => {
  const uses = (no: string[], url: string) => ownProxy('http://p:3128', no, new URL(url)) !== undefined;
  assert.equal(uses([], 'https://rollcall.lan:8443'), true);
  assert.equal(uses(['rollcall.lan'], 'https://rollcall.lan:8443'), false);
  assert.equal(uses(['lan'], 'https://rollcall.lan:8443'), true);
  assert.equal(uses(['.lan'], 'https://rollcall.lan:8443'), false);
  assert.equal(uses(['10.0.0.1-10.0.0.9'], 'https://10.0.0.5'), false);
  assert.equal(ownProxy(undefined, [], new URL('https://a')), undefined);
});

test('the store is the one that a Go program reads in the agent’s environment', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'one.pem'), authority.pem);
  const sight = openSight({ budget: 2000, environment: {} }, () => {});
  const file = await goTrust(sight, { SSL_CERT_FILE: join(folder, 'one.pem') });
  assert.equal(file.store.by, 'SSL_CERT_FILE');
  assert.equal(file.store.path, join(folder, 'one.pem'));
  assert.ok(file.certificates.includes(authority.pem.trim()));
  const missing = await goTrust(sight, { SSL_CERT_FILE: '/nowhere.pem', SSL_CERT_DIR: '/nowhere' });
  assert.equal(missing.store.readable, false);
  assert.equal(missing.certificates.length, 0);
});

test('the roots that AWS names are known by the right fingerprints', () => {
  const found = findAwsRoots(trusting(...rootCertificates));
  assert.equal(found.length, awsRoots.length);
  // Of the three, browsers have dropped the oldest.
  assert.deepEqual(
    found.filter(({ present }) => present).map(({ name }) => name),
    ['Amazon Root CA 1', 'Starfield Services Root Certificate Authority - G2'],
  );
});
