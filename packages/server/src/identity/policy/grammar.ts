/**
 * Reads a policy document strictly, when it is attached: what passes here can be decided later without
 * guessing.
 */
import { type Conditions, conditionProblems, isContextKey } from './conditions.ts';

/** A statement of a valid policy. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Conditions;
}

/** A document that was read, or what is wrong with it, in a sentence each. */
export type ReadPolicy =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const longest = 6144;

/** Reads and checks a document. The policy library checks IAM's grammar. */
export async function readPolicy(text: string): Promise<ReadPolicy> {
  if (text.replace(/\s/g, '').length > longest) return wrong([`it is longer than ${longest} characters`]);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return wrong([`it isn't JSON: ${(error as Error).message}`]);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return wrong(['it must be a JSON object with Version and Statement']);
  }
  const statements = [(document as { Statement?: unknown }).Statement].flat();
  if (statements.some((statement) => typeof statement !== 'object' || statement === null)) {
    return wrong(['Statement must be an object or a list of objects']);
  }
  const { validateIdentityPolicy } = await import('@cloud-copilot/iam-policy');
  const grammar = validateIdentityPolicy(document).map(({ path, message }) =>
    path ? `${path}: ${message}` : message,
  );
  if (grammar.length > 0) return wrong(grammar);
  const version = (document as { Version?: unknown }).Version;
  const problems = (statements as Statement[]).flatMap((statement, index) =>
    statementProblems(statement, `Statement[${index}]`, version === '2012-10-17'),
  );
  return problems.length > 0 ? wrong(problems) : { ok: true, statements: statements as Statement[] };
}

/** Every context key that decides a statement: in conditions, and in `${…}` of resources and values. */
export function keysUsed(statement: Statement): string[] {
  const conditions = Object.values(statement.Condition ?? {}).flatMap((tests) => Object.keys(tests));
  return [...new Set([...conditions, ...variables(statement)].map((key) => key.toLowerCase()))];
}

function variables(statement: Statement): string[] {
  const { Resource, NotResource, Condition } = statement;
  const text = JSON.stringify([Resource, NotResource, Condition]);
  return [...text.matchAll(/\$\{([^},]+)[^}]*\}/g)]
    .map((match) => match[1]!.trim())
    .filter((name) => !['*', '?', '$'].includes(name));
}

function statementProblems(statement: Statement, path: string, modern: boolean): string[] {
  const problems: string[] = [];
  for (const name of ['Action', 'NotAction', 'Resource', 'NotResource'] as const) {
    const values = [statement[name] ?? []].flat();
    if (statement[name] !== undefined && values.length === 0) problems.push(`${path}.${name}: it is empty`);
    if (!name.endsWith('Resource')) continue;
    for (const value of values) {
      const problem = patternProblem(value);
      if (problem !== undefined) problems.push(`${path}.${name}: "${value}" ${problem}`);
    }
  }
  problems.push(...conditionProblems(statement.Condition ?? {}, path));
  if (problems.length === 0) {
    for (const key of keysUsed(statement)) {
      if (!isContextKey(key)) problems.push(`${path}: Rollcall doesn't know the condition key ${key}`);
    }
    if (!modern && variables(statement).length > 0) {
      problems.push(`${path}: policy variables need "Version": "2012-10-17"`);
    }
  }
  return problems;
}

/**
 * Takes only patterns that mean the same to everybody. In others IAM itself is peculiar, and a Deny that
 * was meant to match would let something through.
 */
function patternProblem(pattern: string): string | undefined {
  if (/^\*+$/.test(pattern)) return undefined;
  const [arn, ...segments] = pattern.split(':');
  if (arn !== 'arn' || segments.length === 0) return 'is neither an ARN nor "*"';
  if (segments.length < 5 && !pattern.endsWith('*'))
    return 'is cut short: an ARN has six parts, or ends with "*"';
  if (!segments.slice(0, 4).every((segment) => /^[a-z0-9*?-]*$/.test(segment))) {
    return 'has characters in its partition, service, region or account that no ARN has there';
  }
  const name = segments.slice(4).join(':');
  const type = /^[^/:]*(?=[/:])/.exec(name)?.[0];
  if (type !== undefined && /[*?$]/.test(type))
    return 'has a wildcard in the type of the resource, before "/" or ":"';
  return undefined;
}

function wrong(problems: readonly string[]): ReadPolicy {
  return { ok: false, problems };
}
