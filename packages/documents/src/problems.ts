/** Collecting what is wrong with something that was read: everything at once, but not without end. */
import type { Problem, Read } from './document.ts';
import { printable } from './text.ts';

/** A reader of 20 problems mends one cause and tries again. */
const mostProblems = 20;

/** What was found to be wrong so far. */
export class Problems {
  readonly found: Problem[] = [];

  /** Notes a problem; of more than 20 only the first are kept. */
  add(path: string, message: string): void {
    if (this.found.length < mostProblems) this.found.push({ path, message });
  }

  /** Whether more of them would still be kept. */
  get full(): boolean {
    return this.found.length >= mostProblems;
  }

  /** The value if nothing is wrong, else all that is. */
  or<T>(value: () => T): Read<T> {
    return this.found.length === 0 ? { ok: true, value: value() } : { ok: false, problems: this.found };
  }
}

/** A single problem. */
export function wrong(path: string, message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ path, message }] };
}

/** The path of a member. A name that isn't a plain word is put in brackets. */
export function member(path: string, name: string): string {
  if (!/^[\w-]{1,128}$/.test(name)) {
    return /^aws:\w{1,60}$/.test(name) ? `${path}["${name}"]` : `${path}["${printable(name, 40)}"]`;
  }
  return path === '' ? name : `${path}.${name}`;
}

/** All problems as one text, for an error message: `mainSteps[1].action: It must be …`. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join(' ');
}
