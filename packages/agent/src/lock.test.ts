/** Two agents on one root: the second refuses, and a dead one's lock is nobody's. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockHolder, lockRoot, RootInUseError } from './lock.ts';

test('a lock keeps others out while its holder runs, and only then', () => {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-agent-'));
  try {
    const lock = lockRoot(root);
    assert.throws(
      () => lockRoot(root),
      (error) => error instanceof RootInUseError && error.pid === process.pid,
    );
    assert.equal(lockHolder(root), process.pid);
    lock.release();
    assert.equal(lockHolder(root), undefined);
    const stale = [
      // Nobody has this id; somebody else has this one by now; what a crash may leave of a file.
      JSON.stringify({ pid: 2 ** 22 + 1, started: '1@boot' }),
      JSON.stringify({ pid: process.pid, started: '1@boot' }),
      '',
    ];
    for (const text of stale) {
      writeFileSync(join(root, 'agent.lock'), text);
      lockRoot(root).release();
    }
    assert.deepEqual(readdirSync(root), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});
