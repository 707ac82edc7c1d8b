/**
 * The regular expressions that documents bring (`allowedPattern`), matched in linear time: they are written by
 * strangers, and JavaScript's own engine can be kept busy for years by a short one. The language is that of
 * agents, which check the same pattern again (Go's RE2 syntax: no look-around, no references back), and so is
 * the meaning: a match anywhere in the text is one.
 */
import type { Read } from './document.ts';
import { parsePattern } from './pattern-parser.ts';
import { type Program, programOf } from './pattern-program.ts';
import { escapedSets } from './pattern-set.ts';
import { wrong } from './problems.ts';

const mostCharacters = 2048;

/** How many steps of compiling and matching are left. */
export interface PatternBudget {
  steps: number;
}

/** A fresh budget, to be shared by all patterns and values of one request: about 20 ms. */
export function patternBudget(): PatternBudget {
  return { steps: 1_000_000 };
}

/** A pattern that can be matched. */
export interface Pattern {
  /** Whether the pattern occurs in a text; undefined when the budget doesn't suffice to know. */
  test(text: string, budget: PatternBudget): boolean | undefined;
}

// Documents are few, and the same pattern is needed for each command. Long programs are made anew.
const compiled = new Map<string, Pattern>();
const mostCompiled = 200;
const longestKept = 500;

/** Compiles a pattern, or says why agents wouldn't take it. */
export function compilePattern(source: string, budget: PatternBudget): Read<Pattern> {
  const known = compiled.get(source);
  if (known) return { ok: true, value: known };
  if (source.length > mostCharacters) {
    return wrong('', `It must be at most ${mostCharacters} characters long.`);
  }
  const parsed = parsePattern(source);
  if (!parsed.ok) return parsed;
  budget.steps -= 10 * source.length;
  const program = budget.steps > 0 ? programOf(parsed.value) : undefined;
  if (!program) return wrong('', 'It must be simpler: it repeats too much, or there are too many patterns.');
  budget.steps -= 5 * program.steps.length;
  const pattern: Pattern = { test: (text, left) => run(program, text, left) };
  if (program.steps.length <= longestKept) {
    if (compiled.size >= mostCompiled) compiled.delete(compiled.keys().next().value!);
    compiled.set(source, pattern);
  }
  return { ok: true, value: pattern };
}

/** All states at once, character by character: each state is entered at most once for each of them. */
function run(program: Program, text: string, budget: PatternBudget): boolean | undefined {
  const { steps } = program;
  const entered = new Int32Array(steps.length).fill(-1);
  const open: number[] = [];
  let states: number[] = [];
  let position = 0;
  let before: number | undefined;

  /** Follows everything that needs no character. Answers true when that is a match. */
  const enter = (first: number, after: number | undefined, into: number[]): boolean => {
    open.push(first);
    while (open.length > 0) {
      const at = open.pop()!;
      if (entered[at] === position) continue;
      entered[at] = position;
      budget.steps--;
      const step = steps[at]!;
      if (step.kind === 'match') return true;
      if (step.kind === 'character') into.push(at);
      else if (step.kind === 'split') open.push(step.second, step.first);
      else if (holds(step.what, before, after)) open.push(at + 1);
    }
    return false;
  };

  const characters = text[Symbol.iterator]();
  let next = characters.next();
  let after = next.done ? undefined : next.value.codePointAt(0)!;
  if (enter(0, after, states)) return true;
  while (after !== undefined) {
    if (budget.steps <= 0) return undefined;
    const now = after;
    next = characters.next();
    after = next.done ? undefined : next.value.codePointAt(0)!;
    before = now;
    position++;
    const following: number[] = [];
    for (const at of states) {
      const step = steps[at]!;
      if (step.kind !== 'character') continue;
      budget.steps -= step.set.cost;
      if (step.set.has(now) && enter(at + 1, after, following)) return true;
    }
    // A match may begin anywhere.
    if (enter(0, after, following)) return true;
    states = following;
  }
  return false;
}

function holds(what: string, before: number | undefined, after: number | undefined): boolean {
  switch (what) {
    case 'text-start':
      return before === undefined;
    case 'text-end':
      return after === undefined;
    case 'line-start':
      return before === undefined || before === 10;
    case 'line-end':
      return after === undefined || after === 10;
    default:
      return (isWord(before) !== isWord(after)) === (what === 'word-edge');
  }
}

function isWord(character: number | undefined): boolean {
  return character !== undefined && escapedSets.w.has(character);
}
