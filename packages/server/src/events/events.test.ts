/** Events, as an operator reads them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ListEventsOutput } from '@rollcall/wire';
import { manualClock } from '../clock.ts';
import type { Call } from '../service/index.ts';
import { openStore } from '../store/index.ts';
import { openEvents } from './index.ts';

test('events are recorded with the change they tell of, listed newest first by region, and swept', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-events-'));
  const clock = manualClock();
  const store = await openStore({ kind: 'sqlite', directory });
  const events = openEvents({ store, clock });
  const list = (input: object): Promise<ListEventsOutput> =>
    events.operations[0]!.handle({ region: 'us-east-1' } as Call, input);
  for (const subject of ['mi-1', 'mi-2', 'mi-3']) {
    await store.write((tx) =>
      events.record(tx, { region: 'us-east-1', kind: 'clone-seen', subject, detail: 'Two machines.' }),
    );
    clock.advance(1000);
  }
  await store.write((tx) =>
    events.record(tx, { region: 'eu-west-1', kind: 'clone-seen', subject: 'mi-1', detail: '' }),
  );
  const first = await list({ MaxResults: 2 });
  assert.deepEqual(
    first.Events.map((event) => event.Subject),
    ['mi-3', 'mi-2'],
  );
  const second = await list({ MaxResults: 2, NextToken: first.NextToken });
  assert.deepEqual(
    second.Events.map((event) => event.Subject),
    ['mi-1'],
  );
  assert.equal('NextToken' in second, false);
  assert.equal((await list({ Subject: 'mi-2' })).Events.length, 1);
  clock.advance(90 * 86_400_000 - 2000);
  assert.equal(await events.sweep(), 1);
  assert.deepEqual(
    (await list({})).Events.map((event) => event.Subject),
    ['mi-3', 'mi-2'],
  );
  await store.close();
  rmSync(directory, { recursive: true });
});
