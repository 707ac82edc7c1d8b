/**
 * Verdicts: why a machine is, or isn't, in the list. Gathers what the books, the door and the fleet know, hands it
 * to the judge, and keeps what changed.
 */
import type { Timer } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import type { VerdictsDeps } from './deps.ts';
import { evidenceOperation } from './evidence-operation.ts';
import { type Fleet, readFleet } from './fleet.ts';
import { historyOperation } from './history.ts';
import { loadJudge } from './judge.ts';
import { pickableOperation } from './pickable.ts';
import { openWatch } from './watch.ts';
import { whyOperation } from './why.ts';
import { whyAllOperation } from './why-all.ts';

export type { OwnEvidence, OwnProblem, VerdictsDeps } from './deps.ts';
export { tellDeregistration } from './deregistrations.ts';
export { type Echo, echoPage, type Visitor } from './echo.ts';
export { roomProblems } from './own-health.ts';

/** Verdicts on one server. */
export interface Verdicts {
  readonly operations: readonly AnyOperation[];
  /** Looks what has changed since it last looked. Done by itself, too. */
  look(): Promise<void>;
  /** Deletes history past its retention, in small steps. */
  sweep(): Promise<number>;
  close(): Promise<void>;
}

/** For how long what is known of the fleet is good (milliseconds). */
const goodFor = 10_000;

const warmUpAfter = 3_000;

/** Opens the verdicts. */
export function openVerdicts(deps: VerdictsDeps): Verdicts {
  const { store, clock, presence } = deps;
  const kept = new Map<
    string,
    { readonly fleet: Promise<Fleet>; readonly readAt: number; readonly timer: Timer }
  >();
  function forget(region: string): void {
    kept.get(region)?.timer.cancel();
    kept.delete(region);
  }
  function fleetOf(region: string, since = 0): Promise<Fleet> {
    const known = kept.get(region);
    if (known && known.readAt >= since) return known.fleet;
    forget(region);
    const view = presence.view();
    const reading = store.read((tx) => readFleet(tx, region, view, deps));
    kept.set(region, {
      fleet: reading,
      readAt: view.now,
      timer: clock.after(goodFor, () => forget(region)),
    });
    reading.catch(() => {
      if (kept.get(region)?.fleet === reading) forget(region);
    });
    return reading;
  }
  const watch = openWatch(deps, fleetOf);
  // Before anybody asks, and after the start.
  const warmUp = clock.after(warmUpAfter, () => void loadJudge().catch((error) => deps.onError?.(error)));
  return {
    operations: [
      whyOperation(deps, fleetOf),
      whyAllOperation(deps, fleetOf),
      pickableOperation(deps),
      evidenceOperation(deps),
      historyOperation(deps),
    ],
    look: watch.look,
    sweep: watch.sweep,
    async close() {
      warmUp.cancel();
      for (const region of [...kept.keys()]) forget(region);
      await watch.close();
    },
  };
}
