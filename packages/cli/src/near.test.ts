/** What may have been meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './near.ts';

test('the nearest name, where it is near enough', () => {
  const names = ['AWS-RunShellScript', 'AWS-RunPowerShellScript', 'AWS-RunDocument'];
  assert.equal(nearest(names, 'AWS-RunShelScript'), 'AWS-RunShellScript');
  assert.equal(nearest(names, 'aws-rundocument'), 'AWS-RunDocument');
  assert.equal(nearest(names, 'AWS-InstallSomething'), undefined);
});
