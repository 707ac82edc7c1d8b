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

test('who follows is told as it happens, the oldest first, and nobody waits when the server stops', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-events-'));
  const clock = manualClock();
  const store = await openStore({ kind: 'sqlite', directory });
  const events = openEvents({ store, clock });
  const happen = (subject: string) =>
    store.write((tx) => events.record(tx, { region: 'us-east-1', kind: 'x', subject, detail: '' }));
  const list = (input: object, more: Partial<Call> = {}): Promise<ListEventsOutput> =>
    events.operations[0]!.handle({ region: 'us-east-1', ...more } as Call, input);
  const subjects = ({ Events }: ListEventsOutput) => Events.map((event) => event.Subject);

  const first = list({ After: '0', WaitSeconds: 20 });
  await happen('one');
  assert.deepEqual(subjects(await first), ['one'], 'at once, without time going by');
  clock.advance(1);
  await happen('two');
  await happen('three');
  const [one] = (await first).Events;
  assert.deepEqual(subjects(await list({ After: one!.Id })), ['two', 'three']);
  assert.deepEqual(subjects(await list({ After: one!.Id, MaxResults: 1 })), ['two']);
  const last = (await list({ MaxResults: 1 })).Events[0]!.Id;

  let answered = false;
  const patient = list({ After: last, WaitSeconds: 20 }).finally(() => {
    answered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.advance(19_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(answered, false);
  clock.advance(1_000);
  assert.deepEqual(subjects(await patient), []);

  const gone = new AbortController();
  const leaving = list({ After: last, WaitSeconds: 20 }, { gone: gone.signal });
  gone.abort();
  assert.deepEqual(subjects(await leaving), []);
  const draining = list({ After: last, WaitSeconds: 20 });
  events.drain();
  assert.deepEqual(subjects(await draining), []);
  await assert.rejects(list({ WaitSeconds: 1 }), /goes with After/);
  await store.close();
  rmSync(directory, { recursive: true });
});
