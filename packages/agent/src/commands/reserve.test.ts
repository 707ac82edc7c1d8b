/** The reserve keeps what it was told over restarts, in a file that never grows. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openReserve } from './reserve.ts';

test('what was written is there after a restart, what was given back is free', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-reserve-'));
  try {
    const path = join(folder, 'reserve');
    const first = await openReserve(path);
    const { size } = statSync(path);
    assert.equal(size, 256 * 1024);
    assert.ok(statSync(path).blocks * 512 >= size, 'it takes up the room it will need');
    const [a, b] = [first.take()!, first.take()!];
    await a.write({ jobId: 'a', state: 'accepted', at: 1 });
    await b.write({ jobId: 'b', state: 'accepted', at: 1 });
    await a.write({ jobId: 'a', state: 'started', path: 'step', at: 2 });
    await b.free();
    await first.close();

    const second = await openReserve(path);
    assert.deepEqual(
      second.entries.map(({ entry }) => entry),
      [{ jobId: 'a', state: 'started', path: 'step', at: 2 }],
    );
    let places = 0;
    while (second.take()) places += 1;
    assert.equal(places, 511);
    assert.equal(statSync(path).size, size);
    await assert.rejects(second.entries[0]!.place.write({ jobId: 'x'.repeat(600), state: 'ended', at: 3 }));
    await second.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('one that a crash left short is filled up, and keeps what is in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-reserve-'));
  try {
    const path = join(folder, 'reserve');
    const first = await openReserve(path);
    await first.take()!.write({ jobId: 'a', state: 'ended', status: 'Success', at: 1 });
    await first.close();
    truncateSync(path, 1000);
    const second = await openReserve(path);
    assert.deepEqual(
      second.entries.map(({ entry }) => entry.jobId),
      ['a'],
    );
    assert.equal(statSync(path).size, 256 * 1024);
    await second.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
