/** Compares versions as people read them: number by number, `3.10` after `3.9`. */

/** Negative when `a` is older than `b`, positive when newer, 0 when they are the same. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/);
  const right = b.split(/[.-]/);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const one = left[index] ?? '0';
    const other = right[index] ?? '0';
    const difference = Number(one) - Number(other);
    if (Number.isNaN(difference)) {
      if (one !== other) return one < other ? -1 : 1;
    } else if (difference !== 0) return difference;
  }
  return 0;
}
