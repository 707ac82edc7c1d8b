/**
 * Text as policies write it: `*` stands for any letters, `?` for one, `${key}` for a value of the request.
 * Matching never backtracks further than the last `*`, so that no pattern is expensive.
 */
import { type Answer, every } from './answer.ts';

/** The value of a key in the request, by its name in lower case. */
export type Lookup = (key: string) => string | undefined;

/** A text that was read. */
export interface Template {
  /** The keys of its variables, in lower case. */
  readonly keys: readonly string[];
  readonly units: readonly (Unit | Variable)[];
}

/** The pattern of an ARN, part by part; a pattern of fewer than six parts ends with `*`, for all the rest. */
export interface ArnPattern {
  readonly keys: readonly string[];
  readonly parts: readonly Template[];
}

/** A UTF-16 code, or one of the two wildcards. */
type Unit = number;
interface Variable {
  readonly key: string;
  readonly otherwise: string | undefined;
}

const many = -1;
const one = -2;
const piece = /\$\{\s*([^\s,{}]+)\s*(?:,\s*'([^'{}]*)'\s*)?\}|\$\{|./gs;

/** Reads a text; undefined when it has a `${` that is no variable. Without `wildcards`, `*` is a star. */
export function readTemplate(text: string, wildcards: boolean): Template | undefined {
  const units: (Unit | Variable)[] = [];
  for (const [whole, key, otherwise] of text.matchAll(piece)) {
    if (key !== undefined) {
      const escaped = key.length === 1 && '*?$'.includes(key) && otherwise === undefined;
      units.push(escaped ? key.charCodeAt(0) : { key: key.toLowerCase(), otherwise });
      continue;
    }
    if (whole === '${') return undefined;
    if (whole === '*' && wildcards) units.push(many);
    else if (whole === '?' && wildcards) units.push(one);
    else units.push(whole.charCodeAt(0));
  }
  return { units, keys: units.flatMap((unit) => (typeof unit === 'number' ? [] : unit.key)) };
}

/** Whether a text matches; undefined when that hangs on a variable without a value. Values are taken literally. */
export function matches(template: Template, text: string, lookup: Lookup): Answer {
  if (template.keys.length === 0) return glob(template.units as readonly Unit[], text);
  const units: Unit[] = [];
  let missing = false;
  for (const unit of template.units) {
    const value = typeof unit === 'number' ? unit : (lookup(unit.key) ?? unit.otherwise);
    if (typeof value === 'number') units.push(value);
    else if (value !== undefined) for (const code of codes(value)) units.push(code);
    else {
      missing = true;
      units.push(many); // It could have been anything.
    }
  }
  const fits = glob(units, text);
  return fits && missing ? undefined : fits;
}

function codes(text: string): Unit[] {
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}

function glob(units: readonly Unit[], text: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let starEnds = 0;
  while (at < text.length) {
    const unit = units[next];
    if (unit === many) {
      star = next++;
      starEnds = at;
    } else if (unit === one || unit === text.charCodeAt(at)) {
      next++;
      at++;
    } else if (star >= 0) {
      // The last star takes one letter more. Earlier ones need not: this one could take theirs as well.
      next = star + 1;
      at = ++starEnds;
    } else return false;
  }
  while (units[next] === many) next++;
  return next === units.length;
}

/** Reads the pattern of an ARN, or tells what is wrong with it: the tail of a sentence. */
export function readArnPattern(text: string): ArnPattern | string {
  const parts = split(text, 6);
  if (!/^\*+$/.test(text)) {
    if (parts[0] !== 'arn' || parts.length === 1) return 'is neither an ARN nor "*"';
    if (parts.length < 6 && !text.endsWith('*'))
      return 'is cut short: an ARN has six parts, or ends with "*"';
    if (!parts.slice(1, 5).every((part) => /^[a-z0-9*?-]*$/.test(part)))
      return 'has characters in its partition, service, region or account that no ARN has there';
  }
  const templates = parts.map((part) => readTemplate(part, true));
  if (!templates.every((template) => template !== undefined)) return 'has a "${" that is no policy variable';
  return { parts: templates, keys: templates.flatMap(({ keys }) => keys) };
}

/**
 * Whether an ARN, or the `*` of a request for everything, matches. Wildcards stay within their part; the last
 * part takes all colons.
 */
export function matchesArn(pattern: ArnPattern, arn: string, lookup: Lookup): Answer {
  const parts = split(arn, pattern.parts.length);
  if (parts.length < pattern.parts.length) return false;
  return every(pattern.parts, (template, index) => matches(template, parts[index]!, lookup));
}

/** Splits at colons into at most so many parts; the last one keeps the rest. */
function split(text: string, most: number): string[] {
  const parts = text.split(':');
  return parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(':')];
}
