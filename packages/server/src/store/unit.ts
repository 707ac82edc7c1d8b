/**
 * Knows which unit of work is running in the present chain of calls, so that one which would wait for
 * another, and might wait for ever, is told instead.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { StoreMisused } from './errors.ts';

interface Mark {
  readonly kind: 'read' | 'write';
  active: boolean;
}

const running = new AsyncLocalStorage<Mark>();

/** Runs a work as a unit. What the work sets off for later (timers, callbacks) is not part of it. */
export async function runUnit<T, R>(kind: Mark['kind'], work: (tx: T) => Promise<R>, tx: T): Promise<R> {
  const mark: Mark = { kind, active: true };
  try {
    return await running.run(mark, work, tx);
  } finally {
    mark.active = false;
  }
}

/** Throws when the caller is a unit of work that may not wait for one of this kind. */
export function refuseWithin(kind: Mark['kind']): void {
  const mark = running.getStore();
  if (!mark?.active || (kind === 'read' && mark.kind === 'write')) return;
  if (kind === 'write' && mark.kind === 'read') return;
  throw new StoreMisused(
    'A unit of work waits for nothing but its tx: pass the tx on, or hand in other work in afterCommit.',
  );
}
