/** The script for machines that have nothing, really run, by every shell that is here; and what is read of it. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { NodeEvidence } from '@rollcall/diagnosis';
import { readCollected } from '@rollcall/diagnosis/collected';
import { collectScript } from './script.ts';
import { makeAuthority, type TestAuthority } from './testing/certificates.ts';
import { makeMachine, putProcess, type TestMachine } from './testing/machine.ts';

const script = fileURLToPath(new URL('../scripts/collect.sh', import.meta.url));
const shells = (
  [
    ['dash', []],
    ['busybox', ['ash']],
    ['bash', ['--posix']],
  ] as const
).filter(([name]) => spawnSync(name, ['-c', ':']).error === undefined);

let authority: TestAuthority;
before(async () => {
  authority = await makeAuthority('Rollcall CA 0001');
});

interface Run {
  readonly out: string;
  readonly took: number;
  readonly evidence: NodeEvidence;
}

function collect(
  [shell, first]: readonly [string, readonly string[]],
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return collectBy(shell, [...first, script, ...args], env);
}

async function collectBy(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const began = performance.now();
  const all = { PATH: process.env.PATH ?? '', TMPDIR: '/nonexistent', ...env };
  const out = await new Promise<string>((resolve, reject) => {
    execFile(file, args, { env: all, cwd: '/' }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  const read = readCollected(out);
  assert.ok('evidence' in read, `${JSON.stringify(read)}\n${out}`);
  return { out, took: performance.now() - began, evidence: read.evidence };
}

async function listen(t: TestContext, server: ReturnType<typeof createTcp>): Promise<number> {
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

/**
 * A server that answers as ours does. Whoever looks leaves no trace at its door: every handshake is finished, and
 * something is asked over it.
 */
async function serve(t: TestContext, issuer = authority, names = ['localhost']): Promise<number> {
  const silent = new Set<unknown>();
  const server = createServer(await issuer.issue(names), (request, response) => {
    silent.delete(request.socket);
    response.writeHead(404, { 'x-amzn-RequestId': '1' }).end('<UnknownOperationException/>\n');
  });
  server.on('secureConnection', (socket) => silent.add(socket));
  server.on('upgrade', (_, socket) => silent.delete(socket));
  const refused: string[] = [];
  server.on('tlsClientError', (error) => refused.push(error.message));
  t.after(() => {
    assert.deepEqual(refused, [], 'nobody was seen refusing the certificate');
    assert.equal(silent.size, 0, 'nobody was seen turning away from it');
  });
  server.on('upgrade', (_, socket) => {
    const body = '<UnknownOperationException><message>no</message></UnknownOperationException>';
    socket.end(`HTTP/1.1 404 No\r\nx-amzn-RequestId: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  return listen(t, server);
}

/** An official agent of a Debian package, which leads to a URL. */
function official(t: TestContext, url: string): TestMachine {
  const machine = makeMachine(t);
  machine.put(
    '/etc/amazon/ssm/amazon-ssm-agent.json',
    JSON.stringify({ Ssm: { Endpoint: url }, Mgs: { Endpoint: url }, Mds: { Endpoint: url } }, null, 2),
  );
  machine.put(
    '/var/lib/dpkg/status',
    'Package: zlib\nStatus: install ok installed\nVersion: 1\n\nPackage: amazon-ssm-agent\nStatus: install ok installed\nVersion: 3.3.0.0-1\n',
  );
  machine.put('/usr/bin/amazon-ssm-agent', '');
  const store = '/var/lib/amazon/ssm/Vault/Store';
  machine.put('/var/lib/amazon/ssm/Vault/Manifest', `{"RegistrationKey":"${store}/RegistrationKey"}`);
  machine.put(
    `${store}/RegistrationKey`,
    '{"instanceID":"mi-0123456789abcdef0","region":"eu-west-1","privateKey":"MIIEvQIBADANBgkqhkiG9w0B","privateKeyCreatedDate":"2026-10-02 10:00:00.1 +0000 UTC"}',
  );
  machine.put(
    '/var/lib/amazon/ssm/registration',
    '{"ManagedInstanceID":"mi-0123456789abcdef0","Region":"eu-west-1"}',
  );
  return machine;
}

test('the script is small enough to paste', () => {
  assert.ok(Buffer.byteLength(collectScript()) <= 40 * 1024);
  assert.ok(Buffer.byteLength(collectScript('ps1')) <= 40 * 1024);
});

for (const shell of shells) {
  const name = [shell[0], ...shell[1]].join(' ');

  test(`${name}: an official agent, its registration, its processes and its way, without a secret`, async (t) => {
    const port = await serve(t);
    const url = `https://localhost:${port}`;
    const machine = official(t, url);
    const file = join(machine.folder, 'ca.pem');
    writeFileSync(file, authority.pem);
    putProcess(machine, {
      pid: 700,
      exe: '/usr/bin/amazon-ssm-agent',
      state: 'T',
      environment: { SSL_CERT_FILE: file, no_proxy: 'localhost', TOPSECRET: 'hunter2' },
    });
    machine.put(
      '/var/log/amazon/ssm/amazon-ssm-agent.log',
      '2026-11-25 10:00:00.0000 INFO [ssm-document-worker] [DataBackend] {"runCommand":["mysql -phunter3"]}\n' +
        '2026-11-25 10:00:01.0000 ERROR [ssm-agent-worker] failed to connect controlchannel with error: token=abcdefgh12345678\n',
    );
    const { out, took, evidence } = await collect(shell, [], { COLLECT_ROOT: machine.folder });
    const [agent] = evidence.agents;
    assert.equal(agent?.packaging, 'deb');
    assert.equal(agent?.version, '3.3.0.0');
    assert.equal(agent?.identity?.nodeId, 'mi-0123456789abcdef0');
    assert.equal(agent?.identity?.registeredAt, Date.parse('2026-10-02T10:00:00.1Z'));
    assert.deepEqual(
      agent?.processes?.map(({ name: own, state, user }) => ({ own, state, user })),
      [{ own: 'amazon-ssm-agent', state: 'T', user: 'root' }],
    );
    assert.match(agent?.log?.lines[0]?.text ?? '', /failed to connect controlchannel/);
    const [endpoint] = evidence.endpoints;
    assert.equal(evidence.endpoints.length, 1);
    assert.deepEqual(endpoint?.also, ['ssmmessages', 'ec2messages']);
    for (const layer of ['name', 'tcp', 'tls', 'http', 'websocket'] as const)
      assert.equal(endpoint?.[layer]?.ok, true, `${layer}: ${JSON.stringify(endpoint)}\n${out}`);
    assert.equal(endpoint?.tls?.store?.path, file);
    assert.equal(endpoint?.tls?.store?.hasRoot, true);
    assert.ok(Math.abs(evidence.clock?.aheadMs ?? Number.NaN) <= 2000, String(evidence.clock?.aheadMs));
    assert.doesNotMatch(out, /hunter|MIIEv|abcdefgh12345678|TOPSECRET/);
    assert.ok(took < 20_000);
  });

  test(`${name}: our agent’s server is trusted by what its status says, and by nothing else`, async (t) => {
    const port = await serve(t);
    const root = mkdtempSync(join(tmpdir(), 'rollcall-own-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const { X509Certificate } = await import('node:crypto');
    const print = new X509Certificate(authority.pem).fingerprint256.replaceAll(':', '').toLowerCase();
    const status = (trusts: string[]) =>
      writeFileSync(
        join(root, 'status.json'),
        JSON.stringify({
          state: 'refused',
          nodeId: 'mi-0123456789abcdef0',
          serverUrl: `https://localhost:${port}`,
          region: 'dc-tokyo',
          agentVersion: '1.0.2',
          at: '2026-11-25T10:00:00.000Z',
          trusts,
          lastErrors: [],
        }),
      );
    status([print]);
    const good = await collect(shell, ['--agent-root', root]);
    const own = good.evidence.agents.find(({ kind }) => kind === 'rollcall');
    assert.equal(own?.status?.state, 'refused');
    assert.equal(own?.identity?.server, `https://localhost:${port}`);
    const first = good.evidence.endpoints.find(({ agent }) => agent === 'rollcall');
    for (const layer of ['tcp', 'tls', 'http', 'websocket'] as const)
      assert.equal(first?.[layer]?.ok, true, `${layer}: ${JSON.stringify(first)}\n${good.out}`);
    assert.equal(first?.tls?.store?.hasRoot, true);
    const named = await collect(shell, ['--agent-root', root, '--server', `https://127.0.0.1:${port}`]);
    const extra = named.evidence.endpoints.find(({ agent }) => agent === undefined);
    assert.equal(extra?.tls?.store?.hasRoot, true, 'another name of its server is trusted by the same');
    assert.equal(extra?.needed, false, 'and it is not what the agent hangs on');
    status(['0'.repeat(64)]);
    const bad = await collect(shell, ['--agent-root', root]);
    const second = bad.evidence.endpoints.find(({ agent }) => agent === 'rollcall');
    assert.equal(second?.tls?.ok === false && second.tls.error, 'untrusted');
    assert.equal(second?.tls?.root, print);
    assert.equal(second?.http, undefined);
  });

  test(`${name}: what is refused, wrongly named or answered by others is told apart`, async (t) => {
    const closed = createTcp();
    const port = await listen(t, closed);
    closed.close();
    const refused = await collect(shell, ['--server', `https://localhost:${port}`]);
    const one = refused.evidence.endpoints.find(({ url }) => url.endsWith(`:${port}`));
    assert.equal(one?.tcp?.ok === false && one.tcp.error, 'refused', refused.out);

    const machine = official(t, `https://localhost:${await serve(t, authority, ['elsewhere.test'])}`);
    const file = join(machine.folder, 'ca.pem');
    writeFileSync(file, authority.pem);
    putProcess(machine, { pid: 700, exe: '/usr/bin/amazon-ssm-agent', environment: { SSL_CERT_FILE: file } });
    const named = await collect(shell, [], { COLLECT_ROOT: machine.folder });
    const two = named.evidence.endpoints[0]?.tls;
    assert.equal(two?.ok === false && two.error, 'wrong-name', named.out);
    assert.deepEqual(two?.names, ['elsewhere.test']);

    const nameless = await collect(shell, ['--server', 'https://no-such-name.invalid']);
    const three = nameless.evidence.endpoints.find(({ url }) => url.includes('no-such-name'))?.name;
    assert.equal(three?.ok, false, nameless.out);
  });

  test(`${name}: without any tool it still says what it is and what it could not see`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-bare-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    for (const tool of [
      'cat',
      'cut',
      'date',
      'grep',
      'head',
      'sed',
      'sleep',
      'tr',
      'uname',
      'id',
      'cksum',
      'env',
    ])
      symlinkSync(spawnSync('which', [tool]).stdout.toString().trim(), join(folder, tool));
    const machine = official(t, 'https://localhost:1');
    // The script puts the usual folders behind PATH: names that lead nowhere hide what is in them.
    for (const tool of [
      'curl',
      'wget',
      'openssl',
      'nc',
      'getent',
      'nslookup',
      'ip',
      'ss',
      'timeout',
      'systemctl',
    ]) {
      writeFileSync(join(folder, tool), '#!/bin/sh\nexit 127\n');
      chmodSync(join(folder, tool), 0o755);
    }
    const { evidence } = await collect(
      [spawnSync('which', [shell[0]]).stdout.toString().trim(), shell[1]],
      [],
      {
        PATH: folder,
        COLLECT_ROOT: machine.folder,
      },
    );
    assert.equal(evidence.host.name, 'web-07');
    assert.equal(evidence.agents[0]?.identity?.nodeId, 'mi-0123456789abcdef0');
    assert.equal(evidence.endpoints[0]?.http, undefined);
  });

  test(`${name}: --show says what would be read and run, and does neither`, async (t) => {
    const port = await listen(t, createTcp());
    let asked = 0;
    const watched = createTcp(() => {
      asked += 1;
    });
    const other = await listen(t, watched);
    const said = spawnSync(shell[0], [
      ...shell[1],
      script,
      '--show',
      '--server',
      `https://localhost:${other}`,
    ]);
    const out = said.stdout.toString();
    assert.match(out, /^read {2}\/etc\/os-release$/m);
    assert.match(out, /^run {3}curl .*https:\/\/localhost/m);
    assert.match(out, /^read {2}.*RegistrationKey$/m);
    assert.doesNotMatch(out, /BEGIN ROLLCALL/);
    assert.equal(asked, 0);
    assert.ok(port > 0);
  });
}

test('whoever is silent costs no more than the time for everything, with `timeout` and without', async (t) => {
  const port = await listen(
    t,
    createTcp(() => {}),
  );
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-untimed-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'hang'), '');
  // Every `timeout` that the script finds is one that doesn't know how.
  const runs = await Promise.all([
    collect(shells[0]!, ['--server', `https://localhost:${port}`]),
    collect(['sh', []], ['--server', `https://localhost:${port}`], { COLLECT_NO_TIMEOUT: '1' }),
  ]);
  for (const { evidence, took } of runs) {
    const endpoint = evidence.endpoints.find(({ url }) => url.endsWith(`:${port}`));
    assert.equal(endpoint?.tcp?.ok, true);
    assert.equal(endpoint?.tls?.ok === false && endpoint.tls.error, 'timeout', JSON.stringify(endpoint));
    assert.ok(took < 20_000, String(took));
  }
});

const namespaces = spawnSync('unshare', ['-m', 'true']).status === 0;

test('it works where nothing can be written: a read-only system with a full temporary folder', {
  skip: !namespaces,
}, async (t) => {
  const port = await serve(t);
  // The script comes in by standard input: where this repository lies may be under the temporary folder.
  const prepare =
    'mount --bind / /mnt && mount -o remount,ro,bind /mnt && mount -t proc proc /mnt/proc && mount --bind /dev /mnt/dev' +
    ' && mount -t tmpfs -o size=4k tmpfs /mnt/tmp && { dd if=/dev/zero of=/mnt/tmp/full bs=4k count=4 2>/dev/null; exec chroot /mnt "$@" <"$SCRIPT"; }';
  const runs = await Promise.all(
    shells.map(([shell, first]) =>
      collectBy(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          prepare,
          'sh',
          shell,
          ...first,
          '-s',
          '--',
          '--server',
          `https://localhost:${port}`,
        ],
        { SCRIPT: script },
      ),
    ),
  );
  for (const { evidence } of runs) {
    const disk = (path: string) => evidence.resources?.disks.find((one) => one.path === path);
    assert.equal(disk('/')?.readOnly, true);
    assert.equal(disk('/tmp')?.freeBytes, 0);
    const endpoint = evidence.endpoints.find(({ url }) => url.endsWith(`:${port}`));
    assert.equal(endpoint?.tls?.ok === false && endpoint.tls.error, 'untrusted');
  }
});

test('it may come in by standard input, as over SSH: nothing that it runs reads on there', () => {
  for (const [shell, first] of shells) {
    const { stdout } = spawnSync(shell, [...first, '-s', '--', '--server', 'https://localhost:1'], {
      input: collectScript(),
      env: { PATH: process.env.PATH },
    });
    const read = readCollected(stdout.toString());
    assert.ok('evidence' in read, `${shell}: ${JSON.stringify(read)}`);
  }
});

test('nothing is written: not where it stands, not in its home, not in the temporary folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-quiet-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name));
  const machine = official(t, 'https://127.0.0.1:1');
  const listed = () => [folder, machine.folder].map((at) => readdirSync(at, { recursive: true }).toSorted());
  const earlier = listed();
  await collect(shells[0]!, [], {
    COLLECT_ROOT: machine.folder,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
  });
  assert.deepEqual(listed(), earlier);
});
