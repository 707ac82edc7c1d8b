/**
 * The nodes that were asked for lately, in memory: a heartbeat must not cost a read. Bounded; what changes
 * here is forgotten when the change is committed, what changes on another server within two seconds.
 */
import type { Clock } from '../clock.ts';
import type { Store } from '../store/index.ts';
import { type KnownRow, knownRow } from './known-row.ts';
import { type IdentityRules, type NodeIdentity, RowIdentity } from './node.ts';
import { type FoundRow, findRows } from './queries.ts';
import type { Sighting } from './sightings.ts';

/** A node in memory. */
export interface KnownNode {
  readonly row: KnownRow;
  readonly identity: NodeIdentity;
  /** Newest first; their times run ahead of what is stored. */
  sightings: readonly Sighting[];
  /** Seconds between heartbeats, as presence has learned it. */
  period: number;
  /** On the clock that nobody sets. */
  readonly readAt: number;
}

const mostKnown = 50_000;
/** With PostgreSQL another server may change a node: what was read is believed for so long. */
const believedFor = 2000;
/** Nodes that are read by one statement. */
const mostAtOnce = 500;

/** Nodes in memory, least recently used first. */
export class NodeBooks {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #rules: IdentityRules;
  readonly #known = new Map<string, KnownNode>();
  readonly #loading = new Map<string, Promise<KnownNode | undefined>>();
  /** The ids that the next statement asks for; undefined when none is on its way. */
  #asking: Set<string> | undefined;
  #answer: Promise<ReadonlyMap<string, FoundRow>> | undefined;

  constructor(store: Store, clock: Clock, keyGrace: () => number) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = { now: () => clock.now(), keyGrace };
  }

  /** The node, deregistered or not; `undefined` when the id was never given to one. */
  find(nodeId: string): Promise<KnownNode | undefined> | KnownNode | undefined {
    const known = this.#known.get(nodeId);
    if (known && this.#believable(known)) {
      // The order only matters when it may soon decide who goes.
      if (this.#known.size > mostKnown / 2) {
        this.#known.delete(nodeId);
        this.#known.set(nodeId, known);
      }
      return known;
    }
    return this.#loading.get(nodeId) ?? this.#load(nodeId, known);
  }

  /** The node was changed: whoever asks next reads it again, and reads begun before aren't kept. */
  forget(nodeId: string): void {
    this.#known.delete(nodeId);
    this.#loading.delete(nodeId);
  }

  #believable(known: KnownNode): boolean {
    return this.#store.dialect === 'sqlite' || this.#clock.monotonic() - known.readAt < believedFor;
  }

  #load(nodeId: string, before: KnownNode | undefined): Promise<KnownNode | undefined> {
    const loading: Promise<KnownNode | undefined> = this.#read(nodeId, before).then(
      (node) => {
        if (this.#loading.get(nodeId) !== loading) return node;
        this.#loading.delete(nodeId);
        if (node) this.#keep(nodeId, node);
        return node;
      },
      (error) => {
        if (this.#loading.get(nodeId) === loading) this.#loading.delete(nodeId);
        throw error;
      },
    );
    this.#loading.set(nodeId, loading);
    return loading;
  }

  async #read(nodeId: string, before: KnownNode | undefined): Promise<KnownNode | undefined> {
    const readAt = this.#clock.monotonic();
    const found = (await this.#ask(nodeId)).get(nodeId);
    if (!found) return undefined;
    const row = knownRow(found);
    const stored: readonly Sighting[] = JSON.parse(row.sightings);
    const memory = before?.row.sightings === row.sightings ? before.sightings : stored;
    const identity = new RowIdentity(row, this.#rules);
    return { row, identity, sightings: memory, period: found.period, readAt };
  }

  /** Reads a row together with all that are asked for in this turn: after a restart everybody comes at once. */
  #ask(nodeId: string): Promise<ReadonlyMap<string, FoundRow>> {
    if (!this.#asking || !this.#answer || this.#asking.size >= mostAtOnce) {
      const ids = new Set<string>();
      this.#asking = ids;
      this.#answer = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
        if (this.#asking === ids) this.#asking = undefined;
        const rows = await this.#store.read((tx) => findRows(tx, [...ids]));
        return new Map(rows.map((row) => [row.node_id, row]));
      });
    }
    this.#asking.add(nodeId);
    return this.#answer;
  }

  #keep(nodeId: string, node: KnownNode): void {
    this.#known.set(nodeId, node);
    if (this.#known.size <= mostKnown) return;
    const oldest = this.#known.keys().next().value;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
