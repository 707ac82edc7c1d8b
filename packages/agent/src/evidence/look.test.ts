/** A real look, by a real process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { enrol } from '../testing/enrolled.ts';
import { childLook } from './look.ts';

test('a look says what is seen, without secrets, and the same again has the same sign', async () => {
  const enrolled = await enrol({ proxy: 'http://kenji:hunter2@127.0.0.1:1' });
  try {
    const look = childLook(enrolled.root, systemClock());
    const known = { isReached: true, skew: 1500 };
    const one = await look(known, new AbortController().signal);
    assert.ok(one);
    const evidence = JSON.parse(one.json);
    assert.equal(evidence.by, 'agent');
    assert.deepEqual(evidence.endpoints, [], 'what is known to work isn’t tried');
    assert.equal(evidence.clock.aheadMs, 1500);
    assert.match(evidence.agents[0].identity.nodeId, /^mi-/);
    assert.ok(evidence.resources === undefined || evidence.resources.disks.length > 0);
    assert.doesNotMatch(one.json, /hunter2|PRIVATE KEY/);
    const other = await look({ ...known, skew: -20_000 }, new AbortController().signal);
    assert.equal(other?.sign, one.sign);
    const skewed = await look({ ...known, skew: 400_000 }, new AbortController().signal);
    assert.notEqual(skewed?.sign, one.sign);
  } finally {
    await enrolled.remove();
  }
});

test('while the server isn’t reached, the way to it is tried', async () => {
  const enrolled = await enrol();
  try {
    const look = childLook(enrolled.root, systemClock());
    const seen = await look({ isReached: false, skew: 0 }, new AbortController().signal);
    const [endpoint] = JSON.parse(seen?.json ?? '{}').endpoints;
    assert.equal(endpoint.tcp.ok, true);
    assert.equal(endpoint.tls.ok, true);
  } finally {
    await enrolled.remove();
  }
});

test('a look that is broken off ends at once', async () => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  const ending = new AbortController();
  const look = childLook(root, systemClock())({ isReached: true, skew: 0 }, ending.signal);
  ending.abort();
  assert.equal(await look, undefined);
  rmSync(root, { recursive: true });
});
