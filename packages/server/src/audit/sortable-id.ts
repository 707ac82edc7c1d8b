/** Ids that sort by time, so that the newest page of a log is one walk down its primary key. */
import { randomBytes } from 'node:crypto';

let lastAt = 0;
let sequence = 0;

/**
 * Makes an id of 28 hex digits: 12 of milliseconds, 4 that count within a millisecond of this process, 12
 * random. Ids that one process makes for the same millisecond sort in the order of their making.
 */
export function sortableId(at: number): string {
  sequence = at === lastAt ? (sequence + 1) & 0xffff : 0;
  lastAt = at;
  return `${timePrefix(at)}${sequence.toString(16).padStart(4, '0')}${randomBytes(6).toString('hex')}`;
}

/** The smallest id that a row of the time `at` (milliseconds) can have. */
export function timePrefix(at: number): string {
  return Math.max(0, Math.floor(at)).toString(16).padStart(12, '0');
}
