/** For tests of presence and of what builds on it: a real store in a temporary folder, and a clock to turn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ManualClock, manualClock } from '../clock.ts';
import { openStore, type Store } from '../store/index.ts';
import { openPresence, type Presence, type PresenceDeps } from './index.ts';

/** The region of all tests. */
export const region = 'us-east-1';

/** A clock that can also jump, as time does for a machine that sleeps: no timer fires meanwhile. */
export interface TestClock extends ManualClock {
  jump(ms: number): void;
}

/** A store and a clock. */
export interface Ground {
  readonly store: Store;
  readonly clock: TestClock;
  /** Closes something at the end of the test, before the store. */
  atEnd(close: () => Promise<void>): void;
}

/** Opens a store that is gone when the test is over: SQLite, unless the address of a database is given. */
export async function openGround(context: TestContext, url?: string): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-test-'));
  const store = await openStore(
    url === undefined ? { kind: 'sqlite', directory } : { kind: 'postgres', url },
  );
  const closers: (() => Promise<void>)[] = [];
  context.after(async () => {
    for (const close of closers.toReversed()) await close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { store, clock: testClock(), atEnd: (close) => void closers.push(close) };
}

function testClock(): TestClock {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  return { ...clock, jump: clock.step };
}

/** Opens presence on it; the test's end closes it. */
export async function openTestPresence(ground: Ground, more: Partial<PresenceDeps> = {}): Promise<Presence> {
  const { store, clock } = ground;
  const presence = await openPresence({ store, clock, serverId: 'server-1', ...more });
  ground.atEnd(() => presence.close());
  return presence;
}

/**
 * Lets time go by, however much, in which this server slept, but another one listened.
 */
export async function passListening({ store, clock }: Ground, time: number): Promise<void> {
  const started_at = clock.now();
  await store.write((tx) =>
    tx.everywhere
      .insertInto('servers')
      .values({
        server_id: `witness ${started_at}`,
        started_at,
        lease_until: started_at + time + 5000,
        stopped_at: null,
      })
      .execute(),
  );
  await pass(clock, 5000);
  clock.jump(time - 5000);
}

/** Turns the clock in small steps and lets the server do its work in between, as time does. */
export async function pass(clock: ManualClock, time: number, step = 5000): Promise<void> {
  for (let left = time; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await settle();
  }
}

/** Lets work that was begun come to its end. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
