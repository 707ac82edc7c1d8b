/** Which looks are news, and which say the same again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeEvidence } from '@rollcall/diagnosis';
import { change, endpoint, node } from '@rollcall/diagnosis/testing';
import { signOf } from './sign.ts';

const before: NodeEvidence = node();
const isNews = (changes: Parameters<typeof change<NodeEvidence>>[1]) =>
  signOf(change<NodeEvidence>(before, changes)) !== signOf(before);

test('what rises and falls all the time is no news', () => {
  assert.equal(isNews({ at: before.at + 3_600_000 }), false);
  assert.equal(isNews({ clock: { aheadMs: 20_000 } }), false);
  assert.equal(isNews({ resources: { load: 7, memory: { totalBytes: 8e9, availableBytes: 1e9 } } }), false);
  assert.equal(isNews({ host: { addresses: [...before.host.addresses, 'fe80::1'] } }), false);
});

test('what somebody would judge differently is', () => {
  const [agent] = before.agents;
  const disk = { path: '/', mount: '/', freeBytes: 1e6, totalBytes: 1e10 };
  assert.ok(isNews({ resources: { disks: [disk] } }));
  assert.ok(isNews({ clock: { aheadMs: -90_000 } }));
  assert.ok(isNews({ host: { bootId: 'another' } }));
  assert.ok(isNews({ agents: [{ ...agent!, service: { ...agent!.service!, enabled: false } }] }));
  assert.ok(isNews({ endpoints: [endpoint({ tcp: { ok: false, error: 'timeout' } })] }));
  assert.ok(isNews({ proxy: { agent: { source: 'config.json', https: 'http://10.0.0.1:3128' } } }));
});
