/** The values of parameters: reading what a sender gave against what the document declares. */
import type {
  CommandDocument,
  Json,
  ParameterDeclaration,
  ParameterType,
  ParameterValues,
  Problem,
  Read,
} from './document.ts';
import { parseJson } from './json.ts';
import { compilePattern, type PatternBudget, patternBudget } from './pattern.ts';
import { member, Problems } from './problems.ts';
import { quoted } from './text.ts';
import { checkTree, isObject } from './tree.ts';

/**
 * Reads the parameters of a command, each given as a list of texts, as `SendCommand` has them. Answers a value
 * for every parameter that was given or has a default: text for String, a list of texts for StringList, true or
 * false for Boolean, a number for Integer, and what the JSON text says for StringMap (one object) and MapList
 * (a list of objects, given as one JSON list or as a text for each). The path of a problem is the
 * parameter's name, with the index in its list where that matters. Its message is a sentence that names the
 * parameter as well, and never repeats a value, which may be a secret.
 */
export function readParameters(
  document: CommandDocument,
  given: Readonly<Record<string, readonly string[]>>,
): Read<ParameterValues> {
  const problems = new Problems();
  const values: Record<string, Json> = {};
  const budget = patternBudget();
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(document.parameters, name)) continue;
    const declared = Object.keys(document.parameters);
    problems.add(
      member('', name),
      declared.length === 0
        ? 'It must be left out: the document has no parameters.'
        : `It must be a parameter of the document: ${declared.slice(0, 20).join(', ')}.`,
    );
  }
  for (const [name, declaration] of Object.entries(document.parameters)) {
    const texts = Object.hasOwn(given, name) ? given[name] : undefined;
    if (texts === undefined) {
      if (declaration.default !== undefined) values[name] = declaration.default;
      else problems.add(name, 'It must be given: the document has no default for it.');
      continue;
    }
    const before = problems.found.length;
    const value = readValue(texts, declaration.type, name, problems);
    if (problems.found.length > before || value === undefined) continue;
    checkConstraints(value, declaration, name, problems, budget);
    values[name] = value;
  }
  if (problems.found.length === 0) return { ok: true, value: values };
  return { ok: false, problems: problems.found.map(inOneSentence) };
}

/** Errors of commands are one text, so that each sentence has to say which parameter it speaks of. */
function inOneSentence({ path, message }: Problem): Problem {
  return { path, message: message.replace(/^It /, () => `Parameter ${path} `) };
}

function readValue(
  texts: readonly string[],
  type: ParameterType,
  at: string,
  problems: Problems,
): Json | undefined {
  for (const [index, text] of texts.entries()) {
    if (text.includes('\0') || !text.isWellFormed()) {
      problems.add(`${at}[${index}]`, 'It must be valid Unicode text without the NUL character.');
    }
  }
  if (type === 'StringList') return texts;
  if (type === 'MapList') return readMapList(texts, at, problems);
  const [text] = texts;
  if (texts.length !== 1 || text === undefined) {
    problems.add(at, `It must be one value: its type is ${type}.`);
    return undefined;
  }
  switch (type) {
    case 'String':
      return text;
    case 'Boolean':
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
      problems.add(at, 'It must be true or false.');
      return undefined;
    case 'Integer':
      if (/^[+-]?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
      problems.add(at, 'It must be a whole number.');
      return undefined;
    case 'StringMap': {
      const value = readJson(text, at, problems);
      if (value === undefined || isObject(value)) return value;
      problems.add(at, 'It must be a JSON object, such as {"name": "value"}.');
      return undefined;
    }
  }
}

function readMapList(texts: readonly string[], at: string, problems: Problems): Json | undefined {
  const values = texts.map((text, index) => readJson(text, `${at}[${index}]`, problems));
  const [first] = values;
  const list = values.length === 1 && Array.isArray(first) ? (first as readonly Json[]) : values;
  if (list.every((one) => one !== undefined && isObject(one))) return list as readonly Json[];
  problems.add(at, 'It must be a list of JSON objects, such as [{"name": "value"}].');
  return undefined;
}

function readJson(text: string, at: string, problems: Problems): Json | undefined {
  const parsed = parseJson(text);
  const tree = parsed.ok ? checkTree(parsed.value, at) : parsed;
  if (tree.ok) return tree.value;
  for (const { path, message } of tree.problems) problems.add(path === '' ? at : path, message);
  return undefined;
}

/** Whether a value is what a parameter of this type can be. */
export function hasType(value: Json, type: ParameterType): boolean {
  switch (type) {
    case 'String':
      return typeof value === 'string';
    case 'StringList':
      return Array.isArray(value) && value.every((one) => typeof one === 'string');
    case 'Boolean':
      return typeof value === 'boolean';
    case 'Integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'MapList':
      return Array.isArray(value) && value.every((one) => isObject(one));
    case 'StringMap':
      return isObject(value);
  }
}

/** Notes where a value, already of its type, breaks what its declaration demands. */
export function checkConstraints(
  value: Json,
  declaration: ParameterDeclaration,
  at: string,
  problems: Problems,
  budget: PatternBudget,
): void {
  const { minItems, maxItems, minChars, maxChars, allowedValues, allowedPattern } = declaration;
  const items = itemsOf(value);
  if (items !== undefined) {
    if (items < (minItems ?? 0)) problems.add(at, `It must have at least ${count(minItems!, 'item')}.`);
    if (items > (maxItems ?? Number.POSITIVE_INFINITY)) {
      problems.add(at, `It must have at most ${count(maxItems!, 'item')}.`);
    }
  }
  const isList = Array.isArray(value);
  const parts = isList ? (value as readonly Json[]) : [value];
  const pattern = allowedPattern ? compilePattern(allowedPattern, budget) : undefined;
  for (const [index, part] of parts.entries()) {
    if (problems.full) return;
    const where = isList ? `${at}[${index}]` : at;
    const text = typeof part === 'string' ? part : JSON.stringify(part);
    if (typeof part === 'string' || typeof part === 'object') {
      const length = minChars === undefined && maxChars === undefined ? 0 : [...text].length;
      if (length < (minChars ?? 0)) {
        problems.add(where, `It must be at least ${count(minChars!, 'character')} long.`);
      }
      if (length > (maxChars ?? Number.POSITIVE_INFINITY)) {
        problems.add(where, `It must be at most ${count(maxChars!, 'character')} long.`);
      }
    }
    if (allowedValues?.length && !allowedValues.some((allowed) => String(allowed) === text)) {
      const list = allowedValues.slice(0, 20).map((one) => quoted(String(one)));
      problems.add(where, `It must be one of ${list.join(', ')}.`);
    }
    if (pattern?.ok) {
      const matches = pattern.value.test(text, budget);
      if (matches === undefined) {
        problems.add(
          where,
          'It must be shorter: its allowedPattern is too costly for a text of this length.',
        );
      } else if (!matches) {
        problems.add(where, `It must match ${quoted(allowedPattern!)}.`);
      }
    }
  }
}

function itemsOf(value: Json): number | undefined {
  if (Array.isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : undefined;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
