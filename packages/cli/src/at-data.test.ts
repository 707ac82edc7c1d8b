/** Hints that work when they are pasted. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { atData, dataWords, rememberData } from './at-data.ts';

afterEach(() => rememberData([]));

test('the folder that was named is named again, quoted where a shell needs it', () => {
  assert.equal(atData(), '');
  rememberData(['why', 'web-03', '--data', './my data']);
  assert.equal(atData(), " --data './my data'");
  assert.deepEqual(dataWords(), ['--data', './my data']);
  rememberData(['nodes', '--data=/srv/rollcall']);
  assert.equal(atData(), ' --data /srv/rollcall');
});

test('what stands after -- is for somebody else', () => {
  rememberData(['run', 'web-03', '--', 'tool', '--data', '/x']);
  assert.equal(atData(), '');
});
