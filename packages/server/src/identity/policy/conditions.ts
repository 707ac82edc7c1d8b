/**
 * The conditions of a statement, read when a policy is attached. What could never match is refused: a Deny
 * that never matches helps nobody.
 */
import { type Answer, not, some } from './answer.ts';
import { type Context, canBe, isContextKey } from './context.ts';
import { type Comparison, findOperator, type Operator } from './operators.ts';

/** One line of a condition: `{operator: {key: value or values}}`. */
export interface Condition {
  /** The key, and those of the variables in its values, in lower case. */
  readonly keys: readonly string[];
  holds(context: Context): Answer;
}

interface Test {
  readonly operator: Operator;
  /** What it says when the request has no such key. */
  readonly absent: boolean;
}

/** Reads the conditions; what is wrong with them goes to `problems`, a sentence each. */
export function readConditions(conditions: unknown, path: string, problems: string[]): Condition[] {
  if (!isObject(conditions)) {
    problems.push(`${path} must be an object`);
    return [];
  }
  const read: Condition[] = [];
  for (const [name, lines] of Object.entries(conditions)) {
    const test = readTest(name);
    const where = `${path}.${name}`;
    if (!test) problems.push(`${path}: there is no operator ${name}`);
    else if (!isObject(lines)) problems.push(`${where} must be an object`);
    else if (Object.keys(lines).length === 0) problems.push(`${where}: it is empty`);
    else {
      for (const [key, value] of Object.entries(lines)) {
        const comparisons = readValues([value].flat(), `${where}.${key}`, name, test.operator, problems);
        const line = condition(test, key.toLowerCase(), comparisons);
        problems.push(...keyProblems(line.keys, test.operator, `${where}.${key}`, name));
        read.push(line);
      }
    }
  }
  return read;
}

/** `ForAnyValue:StringLikeIfExists` compares as `StringLike` does; every key has one value at most. */
function readTest(name: string): Test | undefined {
  const [, set, base = '', ifExists] =
    /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/i.exec(name) ?? [];
  const operator = findOperator(base);
  if (!operator) return undefined;
  if (operator.family === 'presence' && (set ?? ifExists) !== undefined) return undefined;
  const ofAll = set?.toLowerCase() === 'forallvalues';
  const negated = operator.negated && set === undefined;
  return { operator, absent: ifExists !== undefined || ofAll || negated };
}

function readValues(
  values: readonly unknown[],
  where: string,
  name: string,
  operator: Operator,
  problems: string[],
): Comparison[] {
  if (values.length === 0) problems.push(`${where}: it is empty`);
  return values.flatMap((value) => {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      problems.push(`${where} must be text, or a list of texts`);
      return [];
    }
    const comparison = operator.read(String(value));
    if (!comparison) problems.push(`${where}: ${name} can't compare "${String(value).slice(0, 80)}"`);
    return comparison ?? [];
  });
}

function condition({ operator, absent }: Test, key: string, comparisons: readonly Comparison[]): Condition {
  const keys = [key, ...comparisons.flatMap((comparison) => comparison.keys)];
  if (operator.family === 'presence') {
    const holds = (context: Context) =>
      some(comparisons, ({ compare }) => compare(String(!context.has(key)), () => undefined));
    return { keys, holds };
  }
  return {
    keys,
    holds(context) {
      const value = context.get(key);
      if (value === undefined) return absent;
      const matched = some(comparisons, ({ compare }) => compare(value, (name) => context.get(name)));
      return operator.negated ? not(matched) : matched;
    },
  };
}

function keyProblems(keys: readonly string[], operator: Operator, where: string, name: string): string[] {
  const [key, ...variables] = keys as [string, ...string[]];
  const unknown = [key, ...variables].filter((each) => !isContextKey(each));
  if (unknown.length > 0)
    return unknown.map((each) => `${where}: Rollcall doesn't know the condition key ${each}`);
  return canBe(key, operator.family) ? [] : [`${where}: ${name} can't compare what ${key} holds`];
}

/** Whether a value of a document is an object, with members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
