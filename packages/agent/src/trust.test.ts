/** The hand-over from one authority to the next, while the first still serves. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAgent } from './agent.ts';
import { certificateFingerprint } from './identity.ts';
import { silentLog } from './log.ts';
import { register } from './register.ts';
import { authority, successor, successorTls } from './testing/certificates.ts';
import { startFakeServer } from './testing/fake-server.ts';

test('a successor authority is taken over while the old one serves, reported, and then good enough', async () => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  const old = await startFakeServer({ ca: `${authority}${successor}` });
  const both = [authority, successor].map(certificateFingerprint);
  old.state.announce = `${both[0]}, SHA256:${both[1]!.toUpperCase()}`;
  const options = { activationId: '1', activationCode: '2', region: 'us-east-1', root, ca: authority };
  await register({ serverUrl: old.url, ...options });
  const agent = openAgent({ root, log: silentLog });
  try {
    await old.until('it trusts both', () => agent.status().trusts?.length === 2);
    assert.deepEqual(agent.status().trusts, both);
    await old.until('it is connected', () => agent.status().state === 'connected');
  } finally {
    await agent.close();
    await old.close();
  }
  const next = await startFakeServer({ tls: successorTls, port: old.port });
  for (const [id, key] of old.keys) next.keys.set(id, key);
  const again = openAgent({ root, log: silentLog });
  try {
    await next.until('it is connected', () => again.status().state === 'connected');
    assert.equal(next.named('UpdateInstanceInformation')[0]?.headers['x-rollcall-trusts'], both.join(','));
  } finally {
    await again.close();
    await next.close();
    rmSync(root, { recursive: true });
  }
});
