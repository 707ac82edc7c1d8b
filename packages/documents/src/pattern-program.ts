/** A parsed pattern as a list of steps, which `pattern.ts` runs. */
import type { CharacterSet } from './pattern-set.ts';

/** A place in the text rather than a character of it. */
export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word-edge' | 'not-word-edge';

/** A parsed pattern. */
export type PatternNode =
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly of: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly of: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly of: PatternNode; readonly from: number; readonly to: number };

/** One step. After a character or an assertion comes the next one in the list. */
export type Step =
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly what: Assertion }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'match' };

/** What can be run: it begins with the first step. */
export interface Program {
  readonly steps: readonly Step[];
}

/** A repetition is its body, so many times; real patterns have some hundred steps. */
const mostWork = 5_000;

/** The program of a pattern, or undefined when it would be too long. */
export function programOf(pattern: PatternNode): Program | undefined {
  const steps: Step[] = [];
  let work = 0;

  /** Answers false as soon as it is too much: an empty body repeated costs work and gives no steps. */
  const write = (node: PatternNode): boolean => {
    if (++work > mostWork || steps.length > mostWork) return false;
    switch (node.kind) {
      case 'character':
      case 'assertion':
        steps.push(node);
        return true;
      case 'sequence':
        return node.of.every(write);
      case 'choice':
        return writeChoice(node.of);
      case 'repeat':
        return writeRepeat(node);
    }
  };

  const split = () => {
    const step = { kind: 'split' as const, first: steps.length + 1, second: 0 };
    steps.push(step);
    return step;
  };

  const writeChoice = (choices: readonly PatternNode[]): boolean => {
    const jumps: { first: number; second: number }[] = [];
    for (const [index, choice] of choices.entries()) {
      const isLast = index === choices.length - 1;
      const fork = isLast ? undefined : split();
      if (!write(choice)) return false;
      if (!isLast) jumps.push(split());
      if (fork) fork.second = steps.length;
    }
    for (const jump of jumps) jump.first = jump.second = steps.length;
    return true;
  };

  const writeRepeat = ({ of, from, to }: PatternNode & { kind: 'repeat' }): boolean => {
    for (let times = 0; times < from; times++) if (!write(of)) return false;
    if (to === Number.POSITIVE_INFINITY) {
      const start = steps.length;
      const fork = split();
      if (!write(of)) return false;
      const back = split();
      back.first = back.second = start;
      fork.second = steps.length;
      return true;
    }
    // Each further one can be the last: from every fork it is one step to the end.
    const forks: { second: number }[] = [];
    for (let times = from; times < to; times++) {
      forks.push(split());
      if (!write(of)) return false;
    }
    for (const fork of forks) fork.second = steps.length;
    return true;
  };

  if (!write(pattern)) return undefined;
  steps.push({ kind: 'match' });
  return { steps };
}
