/** Who was throttled may ask again later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from '../clock.ts';
import { openThrottle } from './throttle.ts';

test('a bucket fills again, also after the clock was set back', () => {
  const clock = manualClock();
  const throttle = openThrottle(clock, { burst: 1, perSecond: 1 });
  assert.deepEqual([throttle.take('a'), throttle.has('a'), throttle.take('b')], [true, false, true]);
  clock.step(-86_400_000);
  clock.advance(1_000);
  assert.deepEqual([throttle.has('a'), throttle.take('a'), throttle.take('a')], [true, true, false]);
});
