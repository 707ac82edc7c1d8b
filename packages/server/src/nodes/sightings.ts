/**
 * Sees clones: two machines that answer under one node id take turns, so their names and addresses
 * interleave (A, B, A) within two heartbeats. A then B once is a rename or a new lease, and means nothing.
 */

/** A machine as it showed itself, and when it last did. */
export interface Sighting {
  readonly name: string;
  readonly address: string;
  /** Where its connection came from. Kept for people: many networks have more than one way out. */
  readonly peer: string;
  readonly at: number;
}

/** What a new sighting means. */
export interface Sighted {
  /** Newest first, a few. */
  readonly sightings: readonly Sighting[];
  /** False when it is the same machine from the same place as last time: nothing to write. */
  readonly changed: boolean;
  /** True when this one was here a moment ago, and another in between. */
  readonly interleaved: boolean;
}

const kept = 4;

/** Adds a sighting. `within` is how near the two ends of A, B, A must be, in milliseconds. */
export function sight(known: readonly Sighting[], seen: Sighting, within: number): Sighted {
  const last = known[0];
  const others = known.filter((one) => !(sameMachine(one, seen) && one.peer === seen.peer));
  const sightings = [seen, ...others].slice(0, kept);
  if (last && sameMachine(last, seen)) {
    return { sightings, changed: last.peer !== seen.peer, interleaved: false };
  }
  const before = known.find((one) => sameMachine(one, seen));
  const interleaved = before !== undefined && seen.at - before.at <= within;
  return { sightings, changed: true, interleaved };
}

/** When a machine other than the newest was last seen, if one is remembered. */
export function otherSeenAt(sightings: readonly Sighting[]): number | undefined {
  const [newest, ...others] = sightings;
  return others.find((one) => newest && !sameMachine(one, newest))?.at;
}

function sameMachine(a: Sighting, b: Sighting): boolean {
  return a.name === b.name && a.address === b.address;
}
