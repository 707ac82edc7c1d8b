/** One statement of a policy: which actions, on which resources, under which conditions. */
import { type Answer, every, not, some } from './answer.ts';
import { readConditions } from './conditions.ts';
import { type Context, isContextKey } from './context.ts';
import { matches, matchesArn, readArnPattern, readTemplate } from './patterns.ts';

/** What a statement is asked about. */
export interface PolicyRequest {
  /** `service:Operation`. */
  readonly action: string;
  /** An ARN, or `*`. Never a pattern: a `*` inside an ARN is a letter like any other. */
  readonly resource: string;
  readonly context: Context;
}

/** A statement of a valid policy. */
export interface Statement {
  /** As answers call it: by number, and by Sid if it has one. */
  readonly name: string;
  readonly effect: 'Allow' | 'Deny';
  /** Whether it is about every action on every resource, without a condition. */
  readonly everything: boolean;
  /** The condition keys that it depends on, in lower case. */
  readonly keys: readonly string[];
  applies(request: PolicyRequest): Answer;
}

type Ask = (request: PolicyRequest) => Answer;

/** A pattern of a statement, or the tail of a sentence about what is wrong with it. */
type Read = { readonly keys: readonly string[]; readonly covers: Ask } | string;

const members = 'Sid Effect Action NotAction Resource NotResource Condition'.split(' ');
const literally = () => undefined;

/** Reads a statement; what is wrong with it goes to `problems`, a sentence each. */
export function readStatement(
  statement: Readonly<Record<string, unknown>>,
  index: number,
  path: string,
  problems: string[],
): Statement {
  for (const name of Object.keys(statement)) {
    if (!members.includes(name)) problems.push(`${path}.${name} isn't known in the policy of a user`);
  }
  const { Sid = '', Effect, Condition = {} } = statement;
  if (typeof Sid !== 'string' || !/^[A-Za-z0-9]*$/.test(Sid)) {
    problems.push(`${path}.Sid may have only letters and digits`);
  }
  if (Effect !== 'Allow' && Effect !== 'Deny') problems.push(`${path}.Effect must be "Allow" or "Deny"`);
  const actions = readPart(statement, 'Action', path, problems, readAction);
  const resources = readPart(statement, 'Resource', path, problems, readResource);
  const conditions = readConditions(Condition, `${path}.Condition`, problems);
  const asks: readonly Ask[] = [
    actions.covers,
    resources.covers,
    ...conditions.map(
      ({ holds }): Ask =>
        ({ context }) =>
          holds(context),
    ),
  ];
  return {
    name: Sid ? `statement ${index + 1} ("${Sid}")` : `statement ${index + 1}`,
    effect: Effect === 'Allow' ? 'Allow' : 'Deny',
    everything: actions.everything && resources.everything && conditions.length === 0,
    keys: [...resources.keys, ...conditions.flatMap(({ keys }) => keys)],
    applies: (request) => every(asks, (ask) => ask(request)),
  };
}

/** Reads `Action` or `NotAction`, `Resource` or `NotResource`: exactly one of the two must be there. */
function readPart(
  statement: Readonly<Record<string, unknown>>,
  name: 'Action' | 'Resource',
  path: string,
  problems: string[],
  read: (pattern: string) => Read,
) {
  const opposite = `Not${name}`;
  const negated = statement[opposite] !== undefined;
  if (negated === (statement[name] !== undefined)) {
    problems.push(`${path} must have either ${name} or ${opposite}${negated ? ', not both' : ''}`);
  }
  const where = `${path}.${negated ? opposite : name}`;
  const values = [statement[negated ? opposite : name] ?? []].flat();
  if (values.length === 0 && statement[negated ? opposite : name]) problems.push(`${where}: it is empty`);
  const patterns = values.flatMap((value) => {
    const pattern = typeof value === 'string' ? read(value) : 'must be text, or a list of texts';
    if (typeof pattern !== 'string') return pattern;
    problems.push(`${where}: ${JSON.stringify(value).slice(0, 200)} ${pattern}`);
    return [];
  });
  const covers: Ask = (request) => some(patterns, (pattern) => pattern.covers(request));
  return {
    everything: !negated && values.includes('*'),
    keys: patterns.flatMap(({ keys }) => keys),
    covers: negated ? (request: PolicyRequest) => not(covers(request)) : covers,
  };
}

/** Actions know no case, and no variables. */
function readAction(text: string): Read {
  const template = readTemplate(text.toLowerCase(), true);
  if (!template || !/^(?:\*|[a-z0-9-]+:[a-z0-9*?-]+)$/i.test(text))
    return 'must be "*" or "service:Operation"';
  return { keys: [], covers: ({ action }) => matches(template, action.toLowerCase(), literally) };
}

function readResource(text: string): Read {
  const pattern = readArnPattern(text);
  if (typeof pattern === 'string') return pattern;
  // As in IAM: what such a Deny was meant for, nobody could tell.
  const [, type = ''] = /^(?:[^:]*:){5}([^/:]*)[/:]/.exec(text) ?? [];
  if (/[*?$]/.test(type)) {
    return 'has a wildcard in the type of the resource, before "/" or ":"';
  }
  const unknown = pattern.keys.find((key) => !isContextKey(key));
  if (unknown !== undefined) return `asks for ${unknown}: Rollcall doesn't know the condition key ${unknown}`;
  return {
    keys: pattern.keys,
    covers: ({ resource, context }) => matchesArn(pattern, resource, (key) => context.get(key)),
  };
}
