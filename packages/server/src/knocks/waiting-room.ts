/**
 * Where knocks wait between two flushes. Its size is fixed whatever comes in: claims that may be in our
 * books have a room of their own, so that a flood of made-up claims can't push out an honest node's knock;
 * among strangers no source gets more than its share, and a full room is a fair sample of all who came.
 */
import { randomInt } from 'node:crypto';
import type { KnocksRow } from '../store/index.ts';
import { claimsRow, sourcesRow, strangersWaiting } from './limits.ts';

/** A knock that waits; `room` is only a first guess. */
export type WaitingKnock = KnocksRow;

interface Source {
  entries: number;
  /** Knocks of further claims that found the source's share taken. */
  crowded: number;
  last: WaitingKnock;
}

/** Beyond this many waiting, each possibly known claim keeps one row instead of eight. */
const crowdedKnown = 25_000;
const mostKnown = 50_000;

/** Folds knocks in bounded memory. Everything in it is synchronous. */
export class WaitingRoom {
  #known = new Map<string, WaitingKnock>();
  #rowsOfClaim = new Map<string, number>();
  #strangers = new Map<string, WaitingKnock>();
  /** The strangers' keys again, in a form that one can be drawn from. */
  #drawable: string[] = [];
  #sources = new Map<string, Source>();
  #newcomers = 0;
  #uncounted = 0;
  #lastUncounted: WaitingKnock | undefined;

  /** How many rows wait. Bounded. */
  get size(): number {
    return this.#known.size + this.#strangers.size;
  }

  /** Adds a knock; it may be kept and changed. `room` `known` means: the claim may be in our books. */
  add(knock: WaitingKnock): void {
    const key = keyOf(knock);
    const same = this.#known.get(key) ?? this.#strangers.get(key);
    if (same) fold(same, knock);
    else if (knock.room === 'known') this.#addKnown(key, knock);
    else this.#addStranger(key, knock);
  }

  /** Takes everything, with a row for each source that was cut short and one for all the rest. */
  take(): WaitingKnock[] {
    const rows = new Map([...this.#known, ...this.#strangers]);
    // A summary that couldn't be written came back as a row of its own.
    const addSummary = (row: WaitingKnock) => {
      const same = rows.get(keyOf(row));
      if (same) fold(same, row);
      else rows.set(keyOf(row), row);
    };
    for (const source of this.#sources.values()) {
      if (source.crowded === 0) continue;
      addSummary(summary(source.last, source.last.source, 'more-claims', source.crowded));
    }
    if (this.#lastUncounted) {
      addSummary(summary(this.#lastUncounted, '*', 'more-knocks', this.#uncounted));
    }
    this.#known = new Map();
    this.#rowsOfClaim = new Map();
    this.#strangers = new Map();
    this.#drawable = [];
    this.#sources = new Map();
    this.#newcomers = 0;
    this.#uncounted = 0;
    this.#lastUncounted = undefined;
    return [...rows.values()];
  }

  #addKnown(key: string, knock: WaitingKnock): void {
    const rows = this.#rowsOfClaim.get(knock.claim) ?? 0;
    const share = this.#known.size < crowdedKnown ? claimsRow : 1;
    if (rows >= share || this.#known.size >= mostKnown) {
      this.#addStranger(key, { ...knock, room: 'stranger' });
      return;
    }
    this.#known.set(key, knock);
    this.#rowsOfClaim.set(knock.claim, rows + 1);
  }

  #addStranger(key: string, knock: WaitingKnock): void {
    const source = this.#sources.get(knock.source);
    if (source && source.entries >= this.#share()) {
      source.crowded += knock.count;
      source.last = knock;
      return;
    }
    this.#newcomers += 1;
    if (this.#strangers.size < strangersWaiting) {
      this.#drawable.push(key);
    } else {
      // Reservoir: each newcomer ends up in the sample with the same chance, early or late.
      const drawn = randomInt(this.#newcomers);
      if (drawn >= strangersWaiting) {
        this.#dropped(knock);
        return;
      }
      this.#evict(this.#drawable[drawn]!);
      this.#drawable[drawn] = key;
    }
    this.#strangers.set(key, knock);
    const own = this.#sources.get(knock.source);
    if (own) own.entries += 1;
    else this.#sources.set(knock.source, { entries: 1, crowded: 0, last: knock });
  }

  /** How many rows a source may have: fewer, the fuller the room. */
  #share(): number {
    const filled = this.#strangers.size / strangersWaiting;
    return filled < 0.25 ? sourcesRow - 1 : filled < 0.5 ? 8 : filled < 0.75 ? 3 : 1;
  }

  #evict(key: string): void {
    const knock = this.#strangers.get(key)!;
    this.#strangers.delete(key);
    this.#dropped(knock);
    const source = this.#sources.get(knock.source)!;
    source.entries -= 1;
    if (source.entries === 0) {
      this.#uncounted += source.crowded;
      this.#sources.delete(knock.source);
    }
  }

  #dropped(knock: WaitingKnock): void {
    this.#uncounted += knock.count;
    this.#lastUncounted = knock;
  }
}

function keyOf({ source, claim, reason }: WaitingKnock): string {
  return `${source}\n${claim}\n${reason}`;
}

function fold(into: WaitingKnock, knock: WaitingKnock): void {
  into.count += knock.count;
  into.first_at = Math.min(into.first_at, knock.first_at);
  if (knock.last_at < into.last_at) return;
  into.last_at = knock.last_at;
  into.address = knock.address;
  into.layer = knock.layer;
  into.client = knock.client;
  into.server_name = knock.server_name ?? into.server_name;
  into.region = knock.region ?? into.region;
  into.detail = knock.detail ?? into.detail;
}

function summary(last: WaitingKnock, source: string, reason: string, count: number): WaitingKnock {
  const at = { first_at: last.first_at, last_at: last.last_at };
  const nobody = { claim: '', server_name: null, region: null, detail: null };
  return {
    ...nobody,
    ...at,
    room: 'stranger',
    source,
    reason,
    count,
    address: last.address,
    layer: '',
    client: '',
  };
}
