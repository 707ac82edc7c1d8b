/** The parameters that a document declares: what each must be, and what it is by default. */
import type { Json, JsonObject, ParameterDeclaration, ParameterType } from './document.ts';
import { mostParameters } from './limits.ts';
import { isParameterName } from './names.ts';
import { compilePattern, type PatternBudget, patternBudget } from './pattern.ts';
import { member, type Problems } from './problems.ts';
import { parameterStoreReferences } from './references.ts';
import { isObject } from './tree.ts';
import { checkConstraints, hasType } from './values.ts';

const types: readonly ParameterType[] = [
  'String',
  'StringList',
  'Boolean',
  'Integer',
  'MapList',
  'StringMap',
];

const members = [
  'type',
  'description',
  'default',
  'allowedValues',
  'allowedPattern',
  'minItems',
  'maxItems',
  'minChars',
  'maxChars',
  'displayType',
  'interpolationType',
];

/** Reads the `parameters` of a document. */
export function readDeclarations(
  declared: Json | undefined,
  problems: Problems,
): Record<string, ParameterDeclaration> {
  const read: Record<string, ParameterDeclaration> = {};
  if (declared === undefined) return read;
  if (!isObject(declared)) {
    problems.add('parameters', 'It must be an object with a member for each parameter.');
    return read;
  }
  const entries = Object.entries(declared);
  if (entries.length > mostParameters) {
    problems.add('parameters', `It must have at most ${mostParameters} members.`);
    return read;
  }
  const budget = patternBudget();
  for (const [name, declaration] of entries) {
    const at = member('parameters', name);
    if (!isParameterName(name)) {
      problems.add(at, 'Its name must be 1 to 128 letters and digits: agents ignore others.');
    } else if (!isObject(declaration)) {
      problems.add(at, 'It must be an object with a type.');
    } else {
      const one = readDeclaration(declaration, at, problems, budget);
      if (one) read[name] = one;
    }
  }
  return read;
}

function readDeclaration(
  declared: JsonObject,
  at: string,
  problems: Problems,
  budget: PatternBudget,
): ParameterDeclaration | undefined {
  for (const name of Object.keys(declared)) {
    if (!members.includes(name)) {
      problems.add(member(at, name), `It must be left out: what can be here is ${members.join(', ')}.`);
    }
  }
  const before = problems.found.length;
  const { type, description, displayType, interpolationType, allowedValues, allowedPattern } = declared;
  if (!types.includes(type as ParameterType)) {
    problems.add(`${at}.type`, `It must be one of ${types.join(', ')}.`);
    return undefined;
  }
  for (const [name, text] of Object.entries({ description, displayType })) {
    if (text !== undefined && typeof text !== 'string') problems.add(`${at}.${name}`, 'It must be text.');
  }
  if (interpolationType !== undefined && interpolationType !== 'ENV_VAR') {
    problems.add(`${at}.interpolationType`, 'It must be ENV_VAR.');
  }
  if (allowedValues !== undefined && !isAllowedValues(allowedValues)) {
    problems.add(`${at}.allowedValues`, 'It must be a list of texts (or of numbers, or of true and false).');
  }
  if (allowedPattern !== undefined) checkPattern(allowedPattern, `${at}.allowedPattern`, problems, budget);
  const counts = Object.fromEntries(
    ['minItems', 'maxItems', 'minChars', 'maxChars'].flatMap((name) => {
      const count = readCount(declared[name], `${at}.${name}`, problems);
      return count === undefined ? [] : [[name, count]];
    }),
  );
  if (problems.found.length > before || problems.full) return undefined;
  const declaration = {
    ...(declared as unknown as ParameterDeclaration),
    ...counts,
  };
  checkDefault(declaration, `${at}.default`, problems, budget);
  return declaration;
}

function isAllowedValues(values: Json): boolean {
  return (
    Array.isArray(values) && values.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
  );
}

function checkPattern(pattern: Json, at: string, problems: Problems, budget: PatternBudget): void {
  if (typeof pattern !== 'string') {
    problems.add(at, 'It must be text.');
    return;
  }
  const compiled = compilePattern(pattern, budget);
  if (!compiled.ok) problems.add(at, compiled.problems[0]!.message);
}

/** A count, which may be written as text: agents read both. */
function readCount(value: Json | undefined, at: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  const count = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 31) return count;
  problems.add(at, 'It must be a whole number from 0 to 2147483647.');
  return undefined;
}

function checkDefault(
  declaration: ParameterDeclaration,
  at: string,
  problems: Problems,
  budget: PatternBudget,
): void {
  const value = declaration.default;
  if (value === undefined) return;
  // What the Parameter Store holds isn't known before the command is sent.
  if (parameterStoreReferences(value).length > 0) return;
  if (!hasType(value, declaration.type)) {
    problems.add(at, `It must be a ${declaration.type}, as the parameter is.`);
    return;
  }
  checkConstraints(value, declaration, at, problems, budget);
}
