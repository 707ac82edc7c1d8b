/** A policy, ready to decide: what its decisions can depend on is found once, and they are kept by just that. */
import type { Call } from '../../service/index.ts';
import { Lru } from '../lru.ts';
import { keysUsed, readPolicy, type Statement } from './grammar.ts';
import { decideStatement, type PolicyRequest } from './statement-decision.ts';

/** A decision and why: for a refusal, the tail of AWS's sentence. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** What a policy is told about a request. */
export interface PolicyCall {
  readonly call: Call;
  readonly userName: string;
  readonly userId: string;
  readonly principalArn: string;
  readonly action: string;
  readonly resource: string;
  /** The tags of the resource; asked only when the policy looks at tags. */
  tags(): Promise<Readonly<Record<string, string>>>;
}

/** A policy that decides. */
export interface CompiledPolicy {
  decide(call: PolicyCall): Promise<PolicyDecision>;
}

const mostKept = 5000;

/** Compiles a policy. One that can't be read (it was checked when it was attached) allows nothing. */
export async function compilePolicy(text: string): Promise<CompiledPolicy> {
  const read = await readCheaply(text);
  if (!read) {
    const reason = 'because its policy document can no longer be read';
    return { decide: async () => ({ allowed: false, reason }) };
  }
  const blanket = blanketStatement(read);
  if (blanket >= 0) {
    const decision = { allowed: true, reason: `allowed by ${statementName(read[blanket]!, blanket)}` };
    return { decide: async () => decision };
  }
  const keys = [...new Set(read.flatMap(keysUsed))].sort();
  const timed = keys.some((key) => key === 'aws:currenttime' || key === 'aws:epochtime');
  const decisions = new Lru<PolicyDecision>(mostKept);
  return {
    async decide(call) {
      let request: PolicyRequest;
      try {
        request = await requestFor(call, keys);
      } catch {
        return { allowed: false, reason: "because what its policy asks about couldn't be found out" };
      }
      if (timed) return decideAll(read, request);
      const { principalArn, account, action, resource, context } = request;
      const key = JSON.stringify([principalArn, account, action, resource, context]);
      const kept = decisions.get(key);
      if (kept) return kept;
      const decision = await decideAll(read, request);
      decisions.set(key, decision);
      return decision;
    },
  };
}

/** The administrator's policy of the first start needs no library to be understood. */
async function readCheaply(text: string): Promise<readonly Statement[] | undefined> {
  if (text === administratorPolicy) return [JSON.parse(text).Statement].flat();
  const read = await readPolicy(text);
  return read.ok ? read.statements : undefined;
}

/** What the first administrator may do: everything. */
export const administratorPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Sid: 'Administrator', Effect: 'Allow', Action: '*', Resource: '*' }],
});

/** Whether a policy that is attached allows everything, whatever the request: an administrator's. */
export function allowsEverything(text: string): boolean {
  return blanketStatement([JSON.parse(text).Statement].flat()) >= 0;
}

/** The statement that allows everything when nothing is denied; -1 when there is none. */
function blanketStatement(statements: readonly Statement[]): number {
  const everything = (values: string | readonly string[] | undefined) =>
    [values ?? []].flat().some((value) => value === '*');
  if (statements.some(({ Effect }) => Effect !== 'Allow')) return -1;
  return statements.findIndex(
    ({ Action, Resource, Condition }) =>
      everything(Action) && everything(Resource) && Condition === undefined,
  );
}

async function decideAll(statements: readonly Statement[], request: PolicyRequest): Promise<PolicyDecision> {
  let allowed: string | undefined;
  for (const [index, statement] of statements.entries()) {
    const name = statementName(statement, index);
    let verdict: Awaited<ReturnType<typeof decideStatement>>;
    try {
      verdict = await decideStatement(statement, request);
    } catch {
      return { allowed: false, reason: `because ${name} of its policy can't be evaluated` };
    }
    if (verdict === 'denies') {
      return { allowed: false, reason: `with an explicit deny in an identity-based policy: ${name}` };
    }
    if (verdict === 'allows') allowed ??= name;
  }
  if (allowed !== undefined) return { allowed: true, reason: `allowed by ${allowed}` };
  return { allowed: false, reason: `because no identity-based policy allows the ${request.action} action` };
}

function statementName({ Sid }: Statement, index: number): string {
  return Sid ? `statement ${index + 1} ("${Sid}")` : `statement ${index + 1}`;
}

/** Only what the policy can see is put in, so that equal requests are equal to the cache as well. */
async function requestFor(call: PolicyCall, keys: readonly string[]): Promise<PolicyRequest> {
  const context: Record<string, string> = {};
  const tags = keys.some((key) => key.includes('tag/')) ? lowerCaseNames(await call.tags()) : {};
  for (const key of keys) {
    const value = contextValue(key, call, tags);
    if (value !== undefined) context[key] = value;
  }
  const { principalArn, action, resource } = call;
  return { principalArn, account: call.call.account, action, resource, context };
}

function contextValue(key: string, { call, ...about }: PolicyCall, tags: Readonly<Record<string, string>>) {
  const slash = key.indexOf('/');
  if (slash >= 0) return Object.hasOwn(tags, key.slice(slash + 1)) ? tags[key.slice(slash + 1)] : undefined;
  switch (key) {
    case 'aws:currenttime':
      return new Date(call.at).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(call.at / 1000));
    case 'aws:principalaccount':
    case 'aws:resourceaccount':
      return call.account;
    case 'aws:principalarn':
      return about.principalArn;
    case 'aws:principaltype':
      return 'User';
    case 'aws:requestedregion':
      return call.region;
    case 'aws:securetransport':
      return 'true';
    case 'aws:sourceip':
      return call.source.address;
    case 'aws:useragent':
      return call.source.userAgent;
    case 'aws:userid':
      return about.userId;
    case 'aws:username':
      return about.userName;
    default:
      throw new Error(`No such context key: ${key}`);
  }
}

/** Condition keys don't know case; two tags that differ only by it can't be told apart: nothing is decided. */
function lowerCaseNames(tags: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const [name, value] of Object.entries(tags)) {
    if (Object.hasOwn(lower, name.toLowerCase())) throw new Error('Two tags differ only by case.');
    lower[name.toLowerCase()] = value;
  }
  return lower;
}
