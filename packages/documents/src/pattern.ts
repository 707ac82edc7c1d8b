/**
 * The regular expressions that documents bring (`allowedPattern`). They are written by strangers, and JavaScript's
 * own engine can be kept busy for years by a short one; RE2's takes time in proportion to pattern and text, and is
 * what agents, written in Go, check the same pattern with again. A match anywhere in the text is one.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import type { Read } from './document.ts';
import { wrong } from './problems.ts';
import { printable } from './text.ts';

const mostCharacters = 2048;

/** How much of compiling and matching is left. */
export interface PatternBudget {
  /** Instructions of patterns, each times the characters of the text that it may have to look at. */
  steps: number;
}

/** A fresh budget, to be shared by all patterns and values of one request: about 30 ms at worst. */
export function patternBudget(): PatternBudget {
  return { steps: 1_500_000 };
}

/** What compiling an instruction costs, in steps. */
const compileCost = 200;
/** Of the parsing, for each character. */
const parseCost = 100;

/** A pattern that can be matched. */
export interface Pattern {
  /** Whether the pattern occurs in a text; undefined when the budget doesn't suffice to know. */
  test(text: string, budget: PatternBudget): boolean | undefined;
}

// Loaded when there is the first pattern to compile: 12 ms that a start doesn't need.
let engine: typeof RE2JS | undefined;

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
  budget.steps -= parseCost * source.length;
  if (budget.steps <= 0) return wrong('', 'There are too many patterns, or too long ones.');
  engine ??= (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
  let program: RE2JS;
  try {
    program = engine.compile(source);
  } catch (error) {
    const why = printable((error as Error).message.replace(/^error parsing regexp: /, ''), 200);
    return wrong('', `It must be a regular expression in RE2 syntax: ${why}.`);
  }
  const size = program.programSize();
  budget.steps -= compileCost * size;
  if (budget.steps <= 0) return wrong('', 'It must be simpler: it repeats too much.');
  const pattern: Pattern = {
    test(text, left) {
      left.steps -= size * (text.length + 1);
      return left.steps <= 0 ? undefined : program.matcher(text).find();
    },
  };
  if (size <= longestKept) {
    if (compiled.size >= mostCompiled) compiled.delete(compiled.keys().next().value!);
    compiled.set(source, pattern);
  }
  return { ok: true, value: pattern };
}
