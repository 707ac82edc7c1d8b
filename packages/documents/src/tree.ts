/** Whether something that was parsed is a plain tree of JSON values that a document may consist of. */
import type { Json, JsonObject, Read } from './document.ts';
import { mostDepth, mostValues } from './limits.ts';
import { member, Problems } from './problems.ts';

/** Names that change what an object is in JavaScript. No document needs them, so nobody has to be careful. */
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks that a value is JSON all through: plain objects and lists, at most 50 levels deep and 20,000 values
 * large (a value that is shared counts each time, so cycles and alias bombs end here), finite numbers that
 * are exact, text that can be stored.
 */
export function checkTree(value: unknown, path = ''): Read<Json> {
  const problems = new Problems();
  let values = 0;

  const check = (one: unknown, at: string, depth: number): void => {
    if (problems.full || values > mostValues) return;
    if (++values > mostValues) {
      problems.add('', `It has more than ${mostValues} values.`);
    } else if (typeof one === 'string') {
      checkText(one, at, problems);
    } else if (typeof one === 'number') {
      if (!Number.isFinite(one) || Math.abs(one) > Number.MAX_SAFE_INTEGER) {
        problems.add(at, `It must be a number between -${2 ** 53 - 1} and ${2 ** 53 - 1}.`);
      }
    } else if (one === null || typeof one === 'boolean') {
      return;
    } else if (typeof one !== 'object') {
      problems.add(at, 'It must be text, a number, true or false, null, a list or an object.');
    } else if (depth >= mostDepth) {
      problems.add(at.slice(0, 200), `It must not be nested deeper than ${mostDepth} levels.`);
    } else if (Array.isArray(one)) {
      for (const [index, element] of one.entries()) check(element, `${at}[${index}]`, depth + 1);
    } else if (isPlain(one)) {
      for (const name of Object.keys(one)) {
        const place = member(at, name);
        if (forbiddenNames.has(name)) problems.add(place, 'It must have another name: this one is reserved.');
        else if (name.length > 1024) problems.add(place, 'Its name must be at most 1024 characters long.');
        else checkText(name, place, problems);
        check((one as Record<string, unknown>)[name], place, depth + 1);
      }
    } else {
      problems.add(at, 'It must be a plain object.');
    }
  };

  check(value, path, 0);
  return problems.or(() => value as Json);
}

function checkText(text: string, at: string, problems: Problems): void {
  // PostgreSQL can't store NUL, and UTF-8 has no half characters: what is stored must be what was sent.
  if (text.includes('\0')) problems.add(at, 'It must not contain the NUL character.');
  else if (!text.isWellFormed()) problems.add(at, 'It must be valid Unicode text.');
}

function isPlain(one: object): boolean {
  const prototype = Object.getPrototypeOf(one);
  return prototype === Object.prototype || prototype === null;
}

/** Whether a value is an object with members. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
