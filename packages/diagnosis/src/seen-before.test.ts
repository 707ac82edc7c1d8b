/** What a machine said of itself a while ago: worth a hint, and no proof of how it is now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence } from './evidence/index.ts';
import { judge } from './judge.ts';
import { renderVerdict } from './render/index.ts';
import { door, healthy, hour, knock, lost, minute, node, now, ownAgent } from './testing/evidence.ts';

const full = {
  resources: {
    disks: [{ path: '/var/lib/rollcall-agent', mount: '/var', freeBytes: 0, totalBytes: 10 ** 10 }],
  },
};
/** Told by a node whose disk is full, so long ago. */
const told = (evidence: Evidence, ago: number, heldMs = 0): Evidence => ({
  ...evidence,
  node: node({ ...full, at: now - ago - heldMs, by: 'agent', agents: [ownAgent()] }),
  nodeSeenAt: now - ago - heldMs,
});

test('what the agent saw minutes ago of a node that is there is proof', () => {
  const { cause, confidence, inside } = judge(told(healthy(), 4 * minute));
  assert.deepEqual([cause, confidence], ['disk-full', 'proven']);
  assert.deepEqual(inside, { at: now - 4 * minute, ofNow: true });
});

test('of a node that is well, what it said hours ago is a warning at most', () => {
  const verdict = judge(told(healthy(), 3 * hour));
  assert.equal(verdict.state, 'well');
  assert.deepEqual(
    verdict.warnings.map(({ cause }) => cause),
    ['disk-full'],
  );
  const page = renderVerdict(verdict, { lang: 'en', utf8: true }).join('\n');
  assert.match(page, /Inside +its own agent last looked at the machine 3 h ago: no proof of now/);
  assert.match(renderVerdict(verdict, { lang: 'ja', utf8: true }).join('\n'), /3 時間前/);
});

test('of a lost node, what it said before is likely where nothing else shows, and says why it is no more', () => {
  const verdict = judge(told(lost(), hour + minute));
  assert.deepEqual(
    [verdict.cause, verdict.confidence, verdict.doubt],
    ['disk-full', 'likely', 'seen-before'],
  );
  assert.equal(verdict.inside?.ofNow, false);
});

test('what it said just before it was lost, however lately, rules nothing out', () => {
  const evidence = lost({
    records: { node: { lastPing: now - 8 * minute, channelClosedAt: now - 6 * minute } },
  });
  const well = node({ at: now - 7 * minute, by: 'agent', agents: [ownAgent()] });
  const verdict = judge({ ...evidence, node: well, nodeSeenAt: now - 7 * minute });
  assert.equal(verdict.inside?.ofNow, false);
  const { node: _, ...unseen } = evidence;
  const without = judge(unseen);
  const { inside: __, ...withIt } = verdict;
  assert.deepEqual(withIt, without, 'that its agent ran then doesn’t say that it runs');
});

test('what is proven now is said, whatever was seen before', () => {
  const refused = knock({ reason: 'fingerprint-changed', layer: 'policy', tie: 'signature' });
  const evidence = lost({ door: door(refused), node: undefined });
  const plain = judge(evidence);
  assert.notEqual(plain.cause, undefined);
  const { cause, confidence } = judge(told(evidence, 2 * hour));
  assert.deepEqual([cause, confidence], [plain.cause, plain.confidence]);
});

test('what was kept during an outage is as old as it is, not as when it came', () => {
  assert.equal(judge(told(healthy(), 0, 40 * minute)).inside?.ofNow, false);
});

test('where commands need a word more, they have it, and nothing else is changed by it', () => {
  const verdict = judge(told(lost(), hour + minute));
  const page = renderVerdict(verdict, { lang: 'en', utf8: true, at: ['--data', '/srv/my data'] }).join(' ');
  assert.match(page.replace(/\s+/g, ' '), /rollcall why --data '\/srv\/my data' web-07/);
  assert.match(page, /last looked at the machine 61 min ago|looked at the machine 1 h ago/);
});
