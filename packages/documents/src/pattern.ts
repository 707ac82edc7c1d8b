/**
 * The regular expressions that documents bring (`allowedPattern`), matched in linear time: they are written by
 * strangers, and JavaScript's own engine can be kept busy for years by a short one. The language is that of
 * agents, which check the same pattern again (Go's RE2 syntax: no look-around, no references back), and so is
 * the meaning: a match anywhere in the text is one.
 */
import type { Read } from './document.ts';
import { parsePattern } from './pattern-parser.ts';
import { isWordCharacter, type Program, programOf } from './pattern-program.ts';
import { wrong } from './problems.ts';

const mostCharacters = 2048;

/** How many steps of matching are left; 1,000,000 take about 15 ms. */
export interface PatternBudget {
  steps: number;
}

/** A fresh budget, to be shared by all the values of one request. */
export function patternBudget(): PatternBudget {
  return { steps: 1_000_000 };
}

/** A pattern that can be matched. */
export interface Pattern {
  /** Whether the pattern occurs in a text; undefined when the budget doesn't suffice to know. */
  test(text: string, budget?: PatternBudget): boolean | undefined;
}

// Documents are few, and the same pattern is needed for each command.
const compiled = new Map<string, Read<Pattern>>();
const mostCompiled = 200;

/** Compiles a pattern, or says why agents wouldn't take it. */
export function compilePattern(source: string): Read<Pattern> {
  const known = compiled.get(source);
  if (known) return known;
  const fresh = compile(source);
  if (compiled.size >= mostCompiled) compiled.delete(compiled.keys().next().value!);
  compiled.set(source, fresh);
  return fresh;
}

function compile(source: string): Read<Pattern> {
  if (source.length > mostCharacters) {
    return wrong('', `It must be at most ${mostCharacters} characters long.`);
  }
  const parsed = parsePattern(source);
  if (!parsed.ok) return parsed;
  const program = programOf(parsed.value);
  if (!program) return wrong('', 'It must be simpler: its repetitions multiply too much.');
  return { ok: true, value: { test: (text, budget = patternBudget()) => run(program, text, budget) } };
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
    budget.steps -= states.length + 1;
    for (const at of states) {
      const step = steps[at]!;
      if (step.kind === 'character' && step.test(now) && enter(at + 1, after, following)) return true;
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
      return (isWordCharacter(before) !== isWordCharacter(after)) === (what === 'word-edge');
  }
}
