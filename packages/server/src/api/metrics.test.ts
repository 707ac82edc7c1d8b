/** What the metrics say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMetrics } from './metrics.ts';

test('our own figures count from the start, and Node adds its own at every look', async () => {
  const metrics = openMetrics();
  metrics.answered('ssm', 'DescribeInstanceInformation', 'ok', 3);
  metrics.gauge('rollcall_channels_open', 'Control channels open on this server.', () => 7);
  for (let look = 0; look < 2; look++) {
    const text = await metrics.text();
    assert.match(
      text,
      /^rollcall_calls_total\{service="ssm",operation="DescribeInstanceInformation",outcome="ok"\} 1$/m,
    );
    assert.match(text, /^rollcall_channels_open 7$/m);
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  }
});
