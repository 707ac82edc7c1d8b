/**
 * Reads a policy document strictly, when it is attached, into what decides: what passes here can be decided
 * later without guessing.
 */
import { isObject } from './conditions.ts';
import { readStatement, type Statement } from './statement.ts';

/** A document that was read, or what is wrong with it, in a sentence each. */
export type ReadPolicy =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const longest = 6144;
const modern = '2012-10-17';
const versions: readonly unknown[] = [modern, '2008-10-17', undefined];

/** Reads and checks a document. */
export function readPolicy(text: string): ReadPolicy {
  if (text.replace(/\s+/g, '').length > longest) return wrong([`it is longer than ${longest} characters`]);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return wrong([`it isn't JSON: ${(error as Error).message}`]);
  }
  if (!isObject(document)) return wrong(['it must be a JSON object with Version and Statement']);
  const members = countMembers(document);
  if (members === undefined) return wrong(['it is nested deeper than a policy can be']);
  const problems: string[] = [];
  if (members < countNames(text)) problems.push('it names a member twice in one object');
  for (const name of Object.keys(document)) {
    if (!['Version', 'Id', 'Statement'].includes(name)) problems.push(`${name} isn't known here`);
  }
  const { Version, Statement } = document;
  if (!versions.includes(Version)) problems.push(`Version must be "${modern}" or "2008-10-17"`);
  const listed = [Statement].flat();
  if (!listed.every(isObject))
    return wrong([...problems, 'Statement must be an object or a list of objects']);
  const statements = listed.map((statement, index) => {
    const path = Array.isArray(Statement) ? `Statement[${index}]` : 'Statement';
    return readStatement(statement, index, path, problems);
  });
  if (Version !== modern && JSON.stringify(Statement).includes('${')) {
    problems.push(`policy variables need "Version": "${modern}"`);
  }
  const sids = listed.flatMap(({ Sid }) => Sid || []);
  if (new Set(sids).size < sids.length) problems.push('two statements have the same Sid');
  return problems.length > 0 ? wrong(problems) : { ok: true, statements };
}

/** In valid JSON, a text before a colon is the name of a member. */
function countNames(json: string): number {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)/g)].filter(([, colon]) => colon).length;
}

/** A document holds statements, these conditions, these operators, these keys, these values: seven levels. */
const deepest = 10;

/** How many members all objects in it have; undefined when it is nested too deep. Level by level: no stack grows. */
function countMembers(document: object): number | undefined {
  let count = 0;
  let level: object[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return undefined;
    for (const value of level) if (!Array.isArray(value)) count += Object.keys(value).length;
    level = level.flatMap((value) =>
      Object.values(value).filter((inner) => typeof inner === 'object' && inner),
    );
  }
  return count;
}

function wrong(problems: readonly string[]): ReadPolicy {
  return { ok: false, problems };
}
