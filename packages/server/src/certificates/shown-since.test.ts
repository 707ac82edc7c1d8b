/** Since when an authority is shown. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { shownSince } from './shown-since.ts';

test('an authority that never was another has no beginning; one that replaced it has, over restarts', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-shown-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(shownSince(directory, 'aa', 1000), undefined);
  assert.equal(shownSince(directory, 'aa', 2000), undefined);
  assert.equal(shownSince(directory, 'bb', 3000), 3000);
  assert.equal(shownSince(directory, 'bb', 4000), 3000);
  writeFileSync(join(directory, 'ca-shown.json'), 'no');
  assert.equal(shownSince(directory, 'bb', 5000), undefined, 'what is damaged claims nothing');
});
