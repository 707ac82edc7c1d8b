/** JSON text into values, with what `JSON.parse` lets pass refused: names that occur twice. */
import type { Read } from './document.ts';
import { mostDepth } from './limits.ts';
import { member, Problems, wrong } from './problems.ts';

/** Parses JSON text. How large it may be, and what its values may be, is the caller's to check. */
export function parseJson(text: string): Read<unknown> {
  // Before `JSON.parse`: the one of Node 26.10 ends the process on text that is nested some 10,000 levels deep.
  const names = checkNames(text);
  if (!names.ok) return names;
  try {
    // Some editors put a byte order mark at the start.
    return { ok: true, value: JSON.parse(text.replace(/^\ufeff/, '')) };
  } catch {
    return wrong('', `It must be well-formed JSON: see ${place(text)}.`);
  }
}

/** Where it stops being JSON. Node's messages say so only sometimes. */
function place(text: string): string {
  let good = 0;
  let bad = text.length;
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    if (canGoOn(text.slice(0, middle))) good = middle;
    else bad = middle - 1;
  }
  const lines = text.slice(0, good).split('\n');
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

/** Whether more text could make JSON of this. */
function canGoOn(start: string): boolean {
  try {
    JSON.parse(start);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return message.includes('end of JSON') || message.includes(`at position ${start.length} `);
  }
}

/**
 * Strings, with the colon behind a name, and brackets and commas. A string that nobody closes reaches to the end:
 * it would be looked for again from each quote in it.
 */
const marks = /"[^"\\]*(?:\\.[^"\\]*)*(?:"\s*:?|\\?$)|[[\]{},]/gs;

interface Level {
  readonly path: string;
  /** The names so far; a list has none. */
  readonly names: Set<string> | undefined;
  /** The name or the index that what comes next belongs to. */
  at: string | number;
}

/** Which names occur twice in an object, and whether it is nested too deep. Other mistakes are left to the parser. */
function checkNames(text: string): Read<undefined> {
  const problems = new Problems();
  const levels: Level[] = [];
  const pathOf = (level: Level) =>
    typeof level.at === 'number' ? `${level.path}[${level.at}]` : member(level.path, level.at);
  for (const [mark] of text.matchAll(marks)) {
    const level = levels.at(-1);
    if (mark === '{' || mark === '[') {
      if (levels.length > mostDepth) {
        return wrong('', `It must not be nested deeper than ${mostDepth} levels.`);
      }
      const path = level ? pathOf(level) : '';
      levels.push(mark === '{' ? { path, names: new Set(), at: '' } : { path, names: undefined, at: 0 });
    } else if (mark === '}' || mark === ']') {
      levels.pop();
    } else if (mark === ',') {
      if (typeof level?.at === 'number') level.at++;
    } else if (level?.names && mark.endsWith(':')) {
      level.at = unescaped(mark.slice(0, -1));
      if (level.names.has(level.at)) problems.add(pathOf(level), 'It must occur only once.');
      level.names.add(level.at);
    }
  }
  return problems.or(() => undefined);
}

function unescaped(name: string): string {
  try {
    return JSON.parse(name);
  } catch {
    return name;
  }
}
