/** Versions of agents, compared number by number: `3.10.0` is newer than `3.9.9`. */

/** Negative when `a` is older than `b`, zero when they are equal; undefined when one can't be read. */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (!left || !right) return undefined;
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether `version` is certainly older than `minimum`. */
export function isOlder(version: string | undefined, minimum: string | undefined): boolean {
  return (compareVersions(version, minimum) ?? 0) < 0;
}

function numbersOf(version: string | undefined): readonly number[] | undefined {
  const match = /^v?(\d{1,9}(?:\.\d{1,9}){0,4})(?:[-+~].*)?$/.exec(version ?? '');
  return match?.[1]?.split('.').map(Number);
}
