/** Whether a node was taken out of the list together with many others: one hand, within ten minutes. */
import type { RecordsEvidence } from '@rollcall/diagnosis';

const tenMinutes = 600_000;
const fewest = 5;

/** The most deregistrations by `by` that lie within ten minutes and have the one of `at` among them. */
export function bulkAround(
  by: string,
  at: number,
  sorted: readonly number[],
): Pick<RecordsEvidence, 'bulkDeregistration'> {
  let best = { from: 0, to: -1 };
  for (let from = 0, to = 0; to < sorted.length && sorted[to]! <= at + tenMinutes; to++) {
    while (sorted[to]! - sorted[from]! > tenMinutes) from += 1;
    if (to - from > best.to - best.from && sorted[from]! <= at && sorted[to]! >= at) best = { from, to };
  }
  const count = best.to - best.from + 1;
  if (count < fewest) return {};
  return { bulkDeregistration: { count, by, from: sorted[best.from]!, to: sorted[best.to]! } };
}
