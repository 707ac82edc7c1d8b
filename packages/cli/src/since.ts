/** Points in time as people type them: a date, or a span before or after now. */
import { Failure } from './failure.ts';
import { parseSpan } from './output/time.ts';

/** Seconds since the epoch, for a member that is a time. */
export function readSince(text: string, now: number, option = '--since'): number {
  return Math.floor(readTime(text, now, -1, option) / 1000);
}

/** Seconds since the epoch of a time to come. */
export function readUntil(text: string, now: number, option: string): number {
  const at = readTime(text, now, 1, option);
  if (at <= now) throw new Failure(`${option} is "${text}", which has passed already.`);
  return Math.floor(at / 1000);
}

function readTime(text: string, now: number, direction: 1 | -1, option: string): number {
  const length = parseSpan(text);
  if (length !== undefined) return now + direction * length;
  const isDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text);
  const at = isDate ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new Failure(`${option} is "${text}"; it must be a span (30m, 24h, 7d) or 2026-10-02T14:00Z.`);
  return at;
}
