/** Two agents on one root: the second refuses, and a dead one's lock is nobody's. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    // Nobody has this id; somebody else has this one by now; this is no lock at all.
    for (const text of [`${2 ** 22 + 1} 1@boot`, `${process.pid} 1@boot`, 'nonsense']) {
      symlinkSync(text, join(root, 'agent.lock'));
      lockRoot(root).release();
    }
    writeFileSync(join(root, 'agent.lock'), '');
    lockRoot(root).release();
    assert.deepEqual(readdirSync(root), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});
