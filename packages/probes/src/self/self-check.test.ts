/** The server's own machine: its clock, certificate, disk and files, with real ones of each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from '../testing/certificates.ts';
import { selfCheck } from './self-check.ts';

test('everything is looked at, one small file is written, and it is gone afterwards', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-self-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'rollcall.db'), Buffer.alloc(5000));
  mkdirSync(join(folder, 'backups'));
  writeFileSync(join(folder, 'backups/old'), '');
  writeFileSync(join(folder, 'backups/new'), '');
  utimesSync(join(folder, 'backups/old'), 1000, 1000);
  utimesSync(join(folder, 'backups/new'), 2000, 2000);
  const authority = await makeAuthority();
  const day = 86_400_000;
  const tls = await authority.issue(['localhost'], { from: Date.now() - day, to: Date.now() + 20.5 * day });
  const server = createServer(tls, (_, response) =>
    response.writeHead(404).end('<UnknownOperationException/>'),
  );
  const clock = createHttp((_, response) => {
    response.setHeader('Date', new Date(Date.now() - 402_000).toUTCString());
    response.end();
  });
  for (const one of [server, clock]) {
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
    t.after(() => one.close());
  }
  const portOf = (one: typeof server | typeof clock) => (one.address() as AddressInfo).port;
  const seen = await selfCheck({
    dataFolder: folder,
    publicUrls: [`https://localhost:${portOf(server)}`],
    ca: [authority.pem],
    clockUrls: [`http://127.0.0.1:${portOf(clock)}/`, 'http://127.0.0.1:1/'],
    pid: process.pid,
    backupFolder: join(folder, 'backups'),
  });
  assert.equal(seen.certificate?.daysLeft, 20);
  assert.equal(seen.endpoints[0]?.http?.ok, true);
  assert.ok(Math.abs((seen.clock.aheadMs ?? 0) - 402_000) < 1500, String(seen.clock.aheadMs));
  assert.deepEqual(seen.clock.sources[1], { url: 'http://127.0.0.1:1/', error: 'ECONNREFUSED' });
  assert.ok(seen.fsync !== undefined && 'medianMs' in seen.fsync && seen.fsync.medianMs > 0);
  assert.equal(seen.storeBytes, 5000);
  assert.ok((seen.disk?.freeBytes ?? 0) > 0);
  assert.ok((seen.openFiles?.count ?? 0) > 5 && (seen.openFiles?.limit ?? 0) > 100);
  assert.equal(seen.backup?.newestAt, 2_000_000);
  assert.deepEqual(readdirSync(folder).sort(), ['backups', 'rollcall.db']);
});

test('what is broken is said and breaks nothing else', async () => {
  const seen = await selfCheck({
    dataFolder: '/nonexistent',
    publicUrls: ['https://127.0.0.1:1'],
    backupFolder: '/nonexistent',
    budget: 2000,
  });
  assert.ok(seen.fsync !== undefined && 'error' in seen.fsync);
  assert.equal(seen.endpoints[0]?.tcp?.ok, false);
  assert.deepEqual(seen.backup, { error: 'ENOENT' });
  assert.equal(seen.certificate, undefined);
});
