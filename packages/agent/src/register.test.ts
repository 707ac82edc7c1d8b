/** Registering: once, again, elsewhere, and with answers that got lost. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { saveConfig } from './config.ts';
import { ServerRefusal } from './failures.ts';
import { DamagedFileError } from './files.ts';
import { loadIdentity, saveIdentity } from './identity.ts';
import { leave } from './leave.ts';
import { RegisteredElsewhereError, register } from './register.ts';
import { authority } from './testing/certificates.ts';
import { type FakeServer, startFakeServer } from './testing/fake-server.ts';

let server: FakeServer;
let root: string;

beforeEach(async () => {
  root = join(mkdtempSync(join(tmpdir(), 'rollcall-agent-')), 'agent');
  server = await startFakeServer();
});

afterEach(async () => {
  await server.close();
  rmSync(join(root, '..'), { recursive: true, force: true });
});

const enrol = (more: { serverUrl?: string } = {}) =>
  register({
    serverUrl: server.url,
    activationId: '11111111-2222-3333-4444-555555555555',
    activationCode: 'abcdefghijklmnopqrst',
    region: 'us-east-1',
    root,
    ca: authority,
    ...more,
  });

test('registering sends what the server needs, and a second time sends nothing', async () => {
  const first = await enrol();
  assert.equal(first.result, 'registered');
  assert.match(first.nodeId, /^mi-/);
  const { body, headers } = server.named('RegisterManagedInstance')[0]!;
  assert.equal(headers.authorization, undefined);
  assert.deepEqual(Object.keys(body).sort(), [
    'ActivationCode',
    'ActivationId',
    'Fingerprint',
    'PublicKey',
    'PublicKeyType',
  ]);
  assert.deepEqual(await enrol(), { ...first, result: 'already' });
  assert.equal(server.state.slotsUsed, 1);
  assert.equal(server.calls.length, 1);
  assert.doesNotMatch(readFileSync(join(root, 'identity.json'), 'utf8'), /abcdefghijklmnopqrst/);
});

test('an answer that is lost costs no second slot', async () => {
  server.mischief.set('RegisterManagedInstance', 'drop-after-work');
  const lost = enrol();
  await server.until('it came once', () => server.calls.length === 1);
  server.mischief.clear();
  const { nodeId } = await lost;
  assert.equal(server.state.slotsUsed, 1);
  assert.equal(server.keys.size, 1);
  assert.ok(server.keys.has(nodeId));
});

test('what the server refuses is told as it says it, and not tried again', async () => {
  server.mischief.set('RegisterManagedInstance', { status: 400, code: 'InvalidActivation' });
  await assert.rejects(
    enrol(),
    (error) => error instanceof ServerRefusal && error.code === 'InvalidActivation',
  );
  server.mischief.clear();
  assert.equal((await enrol()).result, 'registered');
});

test('a machine that belongs to another server is not registered over it', async () => {
  const { nodeId } = await enrol();
  await assert.rejects(
    enrol({ serverUrl: 'https://elsewhere.test' }),
    (error) => error instanceof RegisteredElsewhereError && error.nodeId === nodeId,
  );
});

test('a damaged identity is replaced by its previous generation, but never by a new one', async () => {
  const { nodeId } = await enrol();
  const { identity } = loadIdentity(root)!;
  saveIdentity(root, { ...identity, region: 'us-east-1', fingerprint: 'changed' });
  writeFileSync(join(root, 'identity.json'), '{"version":1,"serverU');
  const loaded = loadIdentity(root)!;
  assert.equal(loaded.generation, 'previous');
  assert.equal(loaded.identity.nodeId, nodeId);
  // Saving again must not push the good generation out by the damaged one.
  saveIdentity(root, loaded.identity);
  assert.equal(loadIdentity(root)?.generation, 'current');
  writeFileSync(join(root, 'identity.json'), '');
  writeFileSync(join(root, 'identity.previous.json'), '\0\0\0\0');
  await assert.rejects(enrol(), DamagedFileError);
});

test('leaving removes everything and says what', async () => {
  await enrol();
  saveConfig(root, { proxy: 'http://127.0.0.1:9' });
  assert.ok(readdirSync(root).includes('config.json'));
  const removed = leave(root);
  assert.ok(removed.includes(join(root, 'identity.json')));
  assert.ok(removed.includes(join(root, 'config.json')));
  assert.ok(removed.includes(root));
  assert.throws(() => readdirSync(root));
  assert.deepEqual(leave(root), []);
});
