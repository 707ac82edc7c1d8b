/** What is looked at before registering, each step broken in turn. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openAgent } from './agent.ts';
import { certificateFingerprint } from './identity.ts';
import { silentLog } from './log.ts';
import { type Preflight, preflight } from './preflight.ts';
import { register } from './register.ts';
import { authority, otherNameTls, serverTls, successor } from './testing/certificates.ts';
import { type FakeServer, startFakeServer } from './testing/fake-server.ts';

let server: FakeServer;
before(async () => {
  server = await startFakeServer();
});
after(() => server.close());

const outcome = ({ steps }: Preflight) => steps.map(({ step, ok, code }) => (ok ? step : `${step}: ${code}`));

test('the whole way is found good, with the authority given or found by its fingerprint or key', async () => {
  const key = new X509Certificate(serverTls.cert).publicKey.export({ type: 'spki', format: 'der' });
  const pins = [
    { ca: authority },
    { pin: `sha256:${new X509Certificate(authority).fingerprint256}` },
    { pin: certificateFingerprint(authority) },
    { pin: `sha256//${createHash('sha256').update(key).digest('base64')}` },
  ];
  for (const trust of pins) {
    const found = await preflight({ serverUrl: server.url, ...trust });
    assert.deepEqual(outcome(found), ['name', 'connection', 'tls', 'http', 'clock']);
    assert.equal(found.ok, true);
    assert.equal(found.ca?.trim(), authority.trim());
    assert.ok(found.steps.every(({ sentence, milliseconds }) => sentence !== '' && milliseconds >= 0));
  }
});

test('it stops at the first thing that is broken, and says what', async () => {
  const silent: Server = createTcpServer((socket) =>
    socket.on('error', () => {}).end('220 mail.example ready\r\n'),
  );
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const other = await startFakeServer({ tls: otherNameTls });
  const at = (port: number) => `https://localhost:${port}`;
  const closed = await startFakeServer();
  await closed.close();
  const cases: [Parameters<typeof preflight>[0], string[]][] = [
    [{ serverUrl: 'https://no-such-name.invalid' }, ['name: ENOTFOUND']],
    [{ serverUrl: at(closed.port), ca: authority }, ['name', 'connection: ECONNREFUSED']],
    [
      { serverUrl: at((silent.address() as AddressInfo).port), ca: authority },
      ['name', 'connection', 'tls: EPROTO'],
    ],
    [{ serverUrl: server.url }, ['name', 'connection', 'tls: UNABLE_TO_VERIFY_LEAF_SIGNATURE']],
    [
      { serverUrl: server.url, ca: successor },
      ['name', 'connection', 'tls: UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ],
    [
      { serverUrl: at(other.port), ca: authority },
      ['name', 'connection', 'tls: ERR_TLS_CERT_ALTNAME_INVALID'],
    ],
    [
      { serverUrl: server.url, pin: certificateFingerprint(successor) },
      ['name', 'connection', 'tls: PinMismatch'],
    ],
    [{ serverUrl: server.url, pin: 'sha256//AAAA' }, ['name', 'connection', 'tls: PinMismatch']],
    [
      { serverUrl: server.url, ca: authority, now: () => Date.now() + 400_000 },
      ['name', 'connection', 'tls', 'http', 'clock: ClockSkew'],
    ],
  ];
  try {
    for (const [options, expected] of cases) {
      const found = await preflight(options);
      // Without a network, a name server may not even say that there is no such name.
      assert.deepEqual(
        outcome(found).map((line) => line.replace('EAI_AGAIN', 'ENOTFOUND')),
        expected,
      );
      assert.equal(found.ok, false);
    }
  } finally {
    await other.close();
    silent.close();
  }
});

test('the environment changes nothing of what is trusted and which way is taken', async () => {
  const hostile = {
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    https_proxy: 'http://127.0.0.1:9',
  };
  Object.assign(process.env, hostile);
  try {
    assert.equal((await preflight({ serverUrl: server.url, ca: authority })).ok, true);
    const distrusted = await preflight({ serverUrl: server.url, ca: successor });
    assert.deepEqual(outcome(distrusted), ['name', 'connection', 'tls: UNABLE_TO_VERIFY_LEAF_SIGNATURE']);
  } finally {
    for (const name of Object.keys(hostile)) delete process.env[name];
  }
});

test('everything goes through the proxy of the settings, and around it for the hosts it spares', async () => {
  const asked: (string | undefined)[] = [];
  const proxy = createHttpServer();
  proxy.on('connect', (request, client) => {
    asked.push(request.headers['proxy-authorization']);
    if (request.headers['proxy-authorization'] === undefined) return client.end('HTTP/1.1 407 No\r\n\r\n');
    const [, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    for (const socket of [onward, client]) socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const account = `http://us%40er:pass@localhost:${port}`;
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  try {
    const found = await preflight({ serverUrl: server.url, ca: authority, proxy: account });
    assert.deepEqual(outcome(found), ['name', 'connection', 'tls', 'http', 'clock']);
    assert.equal(asked[0], `Basic ${Buffer.from('us@er:pass').toString('base64')}`);
    const refused = await preflight({
      serverUrl: server.url,
      ca: authority,
      proxy: `http://localhost:${port}`,
    });
    assert.deepEqual(outcome(refused), ['name', 'connection: ERR_PROXY_TUNNEL']);
    const absent = await preflight({ serverUrl: server.url, ca: authority, proxy: 'http://localhost:1' });
    assert.match(absent.steps.at(-1)?.sentence ?? '', /^proxy localhost:1: nothing listens there/);
    const before = asked.length;
    const around = await preflight({
      serverUrl: server.url,
      ca: authority,
      proxy: account,
      noProxy: ['localhost'],
    });
    assert.equal(around.ok, true);
    assert.equal(asked.length, before);

    const enrolment = {
      serverUrl: server.url,
      activationId: '1',
      activationCode: '2',
      region: 'us-east-1',
      root,
    };
    await register({ ...enrolment, ca: authority, proxy: account });
    const agent = openAgent({ root, log: silentLog });
    await server.until('it is connected', () => agent.status().state === 'connected');
    assert.equal(asked.length, before + 2);
    assert.equal(agent.status().proxy, `http://localhost:${port}`);
    await agent.close();
  } finally {
    proxy.closeAllConnections();
    proxy.close();
    rmSync(root, { recursive: true });
  }
});
