/** How a benchmark says what it found: both raw numbers, their ratio, and what was aimed at. */
import { cpus, loadavg } from 'node:os';

/** `--small`: a size that fits a build server. */
export const small = process.argv.includes('--small');

/** Two numbers that were measured in the same run. */
export interface Comparison {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: string;
  /** What the other number is of. */
  readonly against: string;
  /** Ours by the peer's must be at least, or at most, this. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The middle one of several runs. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which `share` of them lie. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Says which benchmark this is, and on what it runs. */
export function begin(name: string, sentence: string): void {
  const load = loadavg()[0]!.toFixed(1);
  print(`\n${name}: ${sentence}`);
  print(
    `  ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, load ${load}, Node ${process.version}, ` +
      `${new Date().toISOString().slice(0, 10)}${small ? ', small size' : ''}`,
  );
}

/** Prints one comparison. */
export function compare({ what, ours, peer, unit, against, atLeast, atMost }: Comparison): void {
  const ratio = ours / peer;
  const met = ratio >= (atLeast ?? 0) && ratio <= (atMost ?? Number.POSITIVE_INFINITY);
  const aim =
    atLeast === undefined && atMost === undefined
      ? ''
      : `  (${atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`}: ${met ? 'met' : 'MISSED'})`;
  print(
    `  ${what}: ${number(ours)} ${unit} · ${against}: ${number(peer)} ${unit} · ratio ${number(ratio)}${aim}`,
  );
}

/** Prints a number that has a fixed limit instead of a peer. */
export function limit(what: string, value: number, unit: string, atMost: number): void {
  print(`  ${what}: ${number(value)} ${unit}  (at most ${atMost}: ${value <= atMost ? 'met' : 'MISSED'})`);
}

/** Prints a remark. */
export function note(text: string): void {
  print(`  ${text}`);
}

/** Three digits that mean something. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
