/**
 * When was any server listening? Read from the rows that servers leave behind, so that time in which
 * nobody could have heard a node is never held against it.
 */
import type { ServersRow } from '../store/index.ts';

/** A stretch of time, milliseconds since the epoch; `to` isn't part of it. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** How long a server's row speaks for it after a renewal. */
export const leaseLength = 15_000;
/** How often a server renews its row. */
export const leaseRenewal = 5_000;

/** Until when a server listened, or will at least listen. */
export function listeningUntil(row: ServersRow): number {
  return row.stopped_at ?? row.lease_until;
}

/** The stretches up to `now` in which at least one server listened: merged, oldest first. */
export function listeningTimes(servers: readonly ServersRow[], now: number): Interval[] {
  const times = servers
    .map((row) => ({ from: row.started_at, to: Math.min(listeningUntil(row), now) }))
    .filter((time) => time.to >= time.from)
    .sort((a, b) => a.from - b.from);
  const merged: { from: number; to: number }[] = [];
  for (const time of times) {
    const last = merged.at(-1);
    if (last && time.from <= last.to) last.to = Math.max(last.to, time.to);
    else merged.push({ ...time });
  }
  return merged;
}

/**
 * The stretches in which no server listened, between the first row and `now`, oldest first. What was
 * before the first row counts as listened to: nothing is known of it, and no younger ping can lie there.
 */
export function blindTimes(servers: readonly ServersRow[], now: number): Interval[] {
  const listening = listeningTimes(servers, now);
  const blind: Interval[] = [];
  for (const [index, time] of listening.entries()) {
    const to = listening[index + 1]?.from ?? now;
    if (to > time.to) blind.push({ from: time.to, to });
  }
  return blind;
}

/** How much of the time between `from` and `to` lies in the stretches. */
export function overlap(stretches: readonly Interval[], from: number, to: number): number {
  let sum = 0;
  for (const stretch of stretches) {
    sum += Math.max(0, Math.min(stretch.to, to) - Math.max(stretch.from, from));
  }
  return sum;
}

/**
 * The moment since which servers have listened for `time` milliseconds in sum: `now - time`, and earlier
 * by every blind stretch on the way.
 */
export function listenedSince(blind: readonly Interval[], now: number, time: number): number {
  let left = time;
  let at = now;
  for (const stretch of blind.toReversed()) {
    const listened = at - stretch.to;
    if (listened >= left) break;
    left -= listened;
    at = stretch.from;
  }
  return at - left;
}
