/** AWS's words for commands and invocations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandCounts, commandWords, invocationWords, statesOf, statusOfDetails } from './words.ts';

const counts = (more: Partial<CommandCounts>): CommandCounts => ({
  target_count: 5,
  started_count: 0,
  finished_count: 0,
  success_count: 0,
  error_count: 0,
  delivery_timed_out_count: 0,
  excluded_count: 0,
  error_limit: 0,
  cancelled_at: null,
  ...more,
});

test('a command, by its counters', () => {
  const cases: [Partial<CommandCounts>, string][] = [
    [{ target_count: 0 }, 'Success NoInstancesInTag'],
    [{}, 'Pending Pending'],
    [{ finished_count: 1, excluded_count: 1 }, 'Pending Pending'],
    [{ started_count: 1 }, 'InProgress InProgress'],
    [{ started_count: 1, cancelled_at: 1 }, 'Cancelling Cancelling'],
    [{ finished_count: 5, success_count: 5 }, 'Success Success'],
    [{ finished_count: 5, success_count: 1, excluded_count: 4 }, 'Success Success'],
    [{ finished_count: 5, excluded_count: 5 }, 'Failed Failed'],
    [{ finished_count: 5, success_count: 4, error_count: 1 }, 'Failed Failed'],
    [{ finished_count: 5, success_count: 4, error_count: 1, error_limit: 2 }, 'Failed Incomplete'],
    [{ finished_count: 5, success_count: 3, error_count: 2, error_limit: 2 }, 'Failed Failed'],
    [{ finished_count: 5, success_count: 4, delivery_timed_out_count: 1 }, 'TimedOut DeliveryTimedOut'],
    [{ finished_count: 5, success_count: 3, cancelled_at: 1 }, 'Cancelled Cancelled'],
  ];
  for (const [more, words] of cases) {
    const { status, details } = commandWords(counts(more));
    assert.equal(`${status} ${details}`, words, JSON.stringify(more));
    assert.equal(statusOfDetails(details), details === status ? undefined : status, details);
  }
});

test('an invocation that waits for a node that is away is delayed', () => {
  assert.deepEqual(invocationWords('released', false), { status: 'Delayed', details: 'Delayed' });
  assert.deepEqual(invocationWords('queued', false), { status: 'Pending', details: 'Pending' });
  assert.deepEqual(invocationWords('DeliveryTimedOut'), { status: 'TimedOut', details: 'DeliveryTimedOut' });
});

test('every status and every detail can be filtered by; nothing else', () => {
  for (const word of ['Success', 'TimedOut', 'DeliveryTimedOut', 'Terminated', 'InvalidPlatform']) {
    assert.ok((statesOf(word)?.length ?? 0) > 0, word);
  }
  assert.equal(statesOf('Sucess'), undefined);
});
