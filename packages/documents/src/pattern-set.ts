/** Sets of characters in patterns, and what it costs to look one up: the budget of matching counts it. */

/** A set of characters, each given as its code point. */
export interface CharacterSet {
  has(character: number): boolean;
  /** In steps: about 15 ns each. */
  readonly cost: number;
}

/** The first and the last character of a range. */
export type Range = readonly [first: number, last: number];

/** The characters of some ranges, which may overlap and come in any order. */
export function ofRanges(ranges: readonly Range[]): CharacterSet {
  const merged: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  if (merged.length === 1) {
    const [first, last] = merged[0]!;
    return { has: (character) => character >= first && character <= last, cost: 1 };
  }
  return {
    has: (character) => isWithin(merged, character),
    cost: 1 + Math.ceil(Math.log2(merged.length + 1)),
  };
}

function isWithin(ranges: readonly Range[], character: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle]!;
    if (character < first) high = middle - 1;
    else if (character > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** What is in any of them. */
export function anyOf(sets: readonly CharacterSet[]): CharacterSet {
  if (sets.length === 1) return sets[0]!;
  return {
    has: (character) => sets.some((set) => set.has(character)),
    cost: sets.reduce((cost, set) => cost + set.cost, 1),
  };
}

/** What isn't in it. */
export function not(set: CharacterSet): CharacterSet {
  return { has: (character) => !set.has(character), cost: set.cost };
}

/** What is in it, or would be in the other case. */
export function inAnyCase(set: CharacterSet): CharacterSet {
  const has = (character: number) => {
    const text = String.fromCodePoint(character);
    return (
      set.has(character) ||
      set.has(text.toLowerCase().codePointAt(0)!) ||
      set.has(text.toUpperCase().codePointAt(0)!)
    );
  };
  return { has, cost: 3 * set.cost + 6 };
}

/** A general category or a script of Unicode, if there is one of this name. */
export function ofUnicode(name: string): CharacterSet | undefined {
  for (const source of [`\\p{${name}}`, `\\p{Script=${name}}`]) {
    try {
      const set = new RegExp(`^${source}$`, 'u');
      return { has: (character) => set.test(String.fromCodePoint(character)), cost: 6 };
    } catch {
      // Not this kind of name.
    }
  }
  return undefined;
}

const digits: Range = [48, 57];
const capitals: Range = [65, 90];
const smalls: Range = [97, 122];

/** `\d`, `\s` and `\w`: of ASCII only, as agents have it. */
export const escapedSets = {
  d: ofRanges([digits]),
  s: ofRanges([
    [9, 10],
    [12, 13],
    [32, 32],
  ]),
  w: ofRanges([digits, capitals, smalls, [95, 95]]),
};

/** `[:alpha:]` and its like. */
export const posixSets: Readonly<Record<string, CharacterSet>> = {
  alnum: ofRanges([digits, capitals, smalls]),
  alpha: ofRanges([capitals, smalls]),
  ascii: ofRanges([[0, 127]]),
  blank: ofRanges([
    [9, 9],
    [32, 32],
  ]),
  cntrl: ofRanges([
    [0, 31],
    [127, 127],
  ]),
  digit: escapedSets.d,
  graph: ofRanges([[33, 126]]),
  lower: ofRanges([smalls]),
  print: ofRanges([[32, 126]]),
  punct: ofRanges([
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ]),
  space: ofRanges([
    [9, 13],
    [32, 32],
  ]),
  upper: ofRanges([capitals]),
  word: escapedSets.w,
  xdigit: ofRanges([digits, [65, 70], [97, 102]]),
};
