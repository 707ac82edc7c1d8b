/** What a value must satisfy, in AWS's words: compiled from a shape's facts, once. */
import type { Shape, StringShape } from './shape.ts';

/** One constraint: its words, and whether a value breaks it. */
export interface Constraint<T> {
  readonly text: string;
  broken(value: T): boolean;
}

/** Constraints of a string. A pattern is tried only on strings that are not too long. */
export function stringConstraints(shape: StringShape): Constraint<string>[] {
  const found: Constraint<string>[] = [];
  const { min, max, pattern, enum: values } = shape;
  if (max !== undefined) found.push({ text: lengthAtMost(max), broken: (value) => longerThan(value, max) });
  if (min !== undefined && min > 0) {
    found.push({ text: lengthAtLeast(min), broken: (value) => !longerThan(value, min - 1) });
  }
  if (pattern !== undefined) {
    const whole = compilePattern(pattern);
    found.push({
      text: `Member must satisfy regular expression pattern: ${pattern}`,
      broken: (value) => (max === undefined || value.length <= 2 * max) && !whole.test(value),
    });
  }
  if (values !== undefined) {
    const allowed = new Set<string>(values);
    found.push({
      text: `Member must satisfy enum value set: [${values.join(', ')}]`,
      broken: (value) => !allowed.has(value),
    });
  }
  return found;
}

/** Constraints of a number. */
export function rangeConstraints({ min, max }: { min?: number; max?: number }): Constraint<number>[] {
  const found: Constraint<number>[] = [];
  if (max !== undefined) {
    found.push({
      text: `Member must have value less than or equal to ${max}`,
      broken: (value) => value > max,
    });
  }
  if (min !== undefined) {
    found.push({
      text: `Member must have value greater than or equal to ${min}`,
      broken: (value) => value < min,
    });
  }
  return found;
}

/** Constraints of how many members or bytes something has. */
export function sizeConstraints({ min, max }: { min?: number; max?: number }): Constraint<number>[] {
  const found: Constraint<number>[] = [];
  if (max !== undefined) found.push({ text: lengthAtMost(max), broken: (size) => size > max });
  if (min !== undefined && min > 0) found.push({ text: lengthAtLeast(min), broken: (size) => size < min });
  return found;
}

/** The constraints of a shape of single values in words, as lists and maps name them of their members. */
export function describeConstraints(shape: Shape): string {
  if (shape.kind === 'string') return textsOf(stringConstraints(shape));
  return shape.kind === 'integer' ? textsOf(rangeConstraints(shape)) : '';
}

/**
 * Compiles a pattern of the service model, which must match the whole string. Java's inline flag becomes a
 * group, and Unicode classes need JavaScript's flag for them.
 */
export function compilePattern(pattern: string): RegExp {
  const body = pattern.startsWith('(?i)') ? `(?i:${pattern.slice(4)})` : `(?:${pattern})`;
  return new RegExp(`^${body}$`, /\\p\{/.test(pattern) ? 'u' : '');
}

/** Whether a string has more than `most` characters; a surrogate pair is one. */
function longerThan(value: string, most: number): boolean {
  if (value.length <= most) return false;
  if (value.length > 2 * most) return true;
  let count = 0;
  for (const _ of value) count += 1;
  return count > most;
}

function textsOf(constraints: readonly { text: string }[]): string {
  return constraints.map((constraint) => constraint.text).join(', ');
}

function lengthAtMost(max: number): string {
  return `Member must have length less than or equal to ${max}`;
}

function lengthAtLeast(min: number): string {
  return `Member must have length greater than or equal to ${min}`;
}
