/**
 * The roster: the machines that should be there, by sources that somebody keeps, and which node is which of
 * them. Why one isn't there is for `verdicts` to say.
 */
import type { Timer } from '../clock.ts';
import type { PresenceView } from '../presence/index.ts';
import type { AnyOperation } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';
import type { RosterDeps } from './deps.ts';
import { type Landscape, type Seed, surroundings, wholeLandscape } from './landscape.ts';
import { machineOperations } from './machines.ts';
import { rosterOperations } from './operations.ts';
import { openSources } from './sources.ts';

export type { RosterDeps } from './deps.ts';
export { type JoinedBy, type MachineId, machineId } from './join.ts';
export type { Landscape, MachineFacts, NodeFacts, Seed } from './landscape.ts';
export { printable, readMac, readUuid } from './machine.ts';
export { isExpected, isThere } from './machines.ts';
export { comparedNames, macMark, uuidMark } from './marks.ts';
export { allSources, countMachines } from './queries.ts';

/** The roster of this installation. */
export interface Roster {
  readonly operations: readonly AnyOperation[];
  /** Machines and nodes of a whole region, joined; a few seconds old at most. */
  landscape(region: string): Promise<Landscape>;
  /** Those that a subject may be, and those that may be these: found by index, in the caller's reading. */
  around(tx: ReadTx, region: string, view: PresenceView, seed: Seed): Promise<Landscape>;
  /** Nodes have come or gone: the landscape that is kept isn't as it was. */
  changed(region: string): void;
  /** Reads the sources that are due. Done by itself, too. */
  readSources(): Promise<void>;
  close(): Promise<void>;
}

/** For how long a region's landscape is good (milliseconds): a page after page must not load it anew. */
const goodFor = 5_000;

/** Opens the roster. */
export function openRoster(deps: RosterDeps): Roster {
  const { store, clock, presence } = deps;
  const kept = new Map<string, { readonly landscape: Promise<Landscape>; readonly timer: Timer }>();
  function forget(region: string): void {
    kept.get(region)?.timer.cancel();
    kept.delete(region);
  }
  const sources = openSources(deps, forget);

  function landscape(region: string): Promise<Landscape> {
    const known = kept.get(region);
    if (known) return known.landscape;
    const view = presence.view();
    const loading = wholeLandscape(store, region, view, presence.statusOf);
    kept.set(region, { landscape: loading, timer: clock.after(goodFor, () => forget(region)) });
    loading.catch(() => forget(region));
    return loading;
  }
  return {
    operations: [
      ...rosterOperations(deps, forget, () => void sources.look().catch((error) => deps.onError?.(error))),
      ...machineOperations(landscape),
    ],
    landscape,
    around: (tx, region, view, seed) => surroundings(tx, region, view, presence.statusOf, seed),
    changed: forget,
    readSources: sources.look,
    async close() {
      for (const region of [...kept.keys()]) forget(region);
      await sources.close();
    },
  };
}
