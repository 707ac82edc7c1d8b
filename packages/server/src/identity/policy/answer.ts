/** Yes, no, or undefined: it can't be told. What can't be told never allows, and denies where a yes would. */
export type Answer = boolean | undefined;

/** Whether every item gets a yes: one no decides, whatever can't be told about the others. */
export function every<T>(items: readonly T[], ask: (item: T, index: number) => Answer): Answer {
  let answer: Answer = true;
  for (const [index, item] of items.entries()) {
    const one = ask(item, index);
    if (one === false) return false;
    if (one === undefined) answer = undefined;
  }
  return answer;
}

/** Whether some item gets a yes: one yes decides, whatever can't be told about the others. */
export function some<T>(items: readonly T[], ask: (item: T) => Answer): Answer {
  return not(every(items, (item) => not(ask(item))));
}

/** The opposite; of what can't be told, that too can't. */
export function not(answer: Answer): Answer {
  return answer === undefined ? undefined : !answer;
}
