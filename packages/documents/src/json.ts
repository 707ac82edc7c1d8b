/** JSON text into values, with what `JSON.parse` lets pass refused: names that occur twice. */
import type { Read } from './document.ts';
import { member, Problems, wrong } from './problems.ts';

/** Parses JSON text. Sizes and depths are the caller's to check. */
export function parseJson(text: string): Read<unknown> {
  let value: unknown;
  try {
    // Some editors put a byte order mark at the start.
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const where = /\(line (\d+) column (\d+)\)/.exec((error as Error).message);
    const place = where
      ? `see line ${where[1]}, column ${where[2]}`
      : 'it ends too early, or is no JSON at all';
    return wrong('', `It must be well-formed JSON: ${place}.`);
  }
  const problems = repeatedNames(text);
  return problems.or(() => value);
}

interface Level {
  readonly path: string;
  /** The names so far; a list has none. */
  readonly names: Set<string> | undefined;
  /** The name or the index that what comes next belongs to. */
  at: string | number;
}

/** Which names occur twice in an object. The text is known to be JSON, so only its marks have to be followed. */
function repeatedNames(text: string): Problems {
  const problems = new Problems();
  const levels: Level[] = [];
  const pathOf = (level: Level) =>
    typeof level.at === 'number' ? `${level.path}[${level.at}]` : member(level.path, level.at);
  for (const [mark] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"\s*:?|[[\]{},]/gs)) {
    const level = levels.at(-1);
    if (mark === '{' || mark === '[') {
      // Deeper ones are refused anyway; their paths would only cost memory.
      const path = level && levels.length < 60 ? pathOf(level) : '';
      levels.push({ path, names: mark === '{' ? new Set() : undefined, at: mark === '{' ? '' : 0 });
    } else if (mark === '}' || mark === ']') {
      levels.pop();
    } else if (mark === ',') {
      if (typeof level?.at === 'number') level.at++;
    } else if (level?.names && mark.endsWith(':')) {
      const name = JSON.parse(mark.slice(0, -1)) as string;
      level.at = name;
      if (level.names.has(name)) problems.add(pathOf(level), 'It must occur only once.');
      level.names.add(name);
    }
  }
  return problems;
}
