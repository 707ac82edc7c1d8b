/** A policy, ready to decide: what its decisions can depend on is found once, and they are kept by just that. */
import { Lru } from '../lru.ts';
import { type Context, contextOf, isTime, type PolicyCall } from './context.ts';
import { readPolicy } from './grammar.ts';
import type { PolicyRequest, Statement } from './statement.ts';

/** A decision and why: for a refusal, the tail of AWS's sentence. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** A policy that decides. */
export interface CompiledPolicy {
  decide(call: PolicyCall): Promise<PolicyDecision>;
}

const mostKept = 5000;

/** What the first administrator may do: everything. */
export const administratorPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Sid: 'Administrator', Effect: 'Allow', Action: '*', Resource: '*' }],
});

/** Compiles a policy. One that can't be read (it was checked when it was attached) allows nothing. */
export function compilePolicy(text: string): CompiledPolicy {
  const read = readPolicy(text);
  if (!read.ok) {
    const reason = 'because its policy document can no longer be read';
    return { decide: async () => ({ allowed: false, reason }) };
  }
  const { statements } = read;
  const keys = [...new Set(statements.flatMap((statement) => statement.keys))];
  const timed = keys.some(isTime);
  const decisions = new Lru<PolicyDecision>(mostKept);
  return {
    async decide(call) {
      let context: Context;
      try {
        context = await contextOf(call, keys);
      } catch {
        return { allowed: false, reason: "because what its policy asks about couldn't be found out" };
      }
      const { action, resource } = call;
      if (timed) return decideAll(statements, { action, resource, context });
      const key = JSON.stringify([action, resource, ...context]);
      const kept = decisions.get(key);
      if (kept) return kept;
      const decision = decideAll(statements, { action, resource, context });
      decisions.set(key, decision);
      return decision;
    },
  };
}

/** Whether a policy allows everything, whatever the request: an administrator's. */
export function allowsEverything(text: string): boolean {
  const read = readPolicy(text);
  if (!read.ok || read.statements.some(({ effect }) => effect === 'Deny')) return false;
  return read.statements.some(({ everything }) => everything);
}

function decideAll(statements: readonly Statement[], request: PolicyRequest): PolicyDecision {
  let allowed: string | undefined;
  for (const { name, effect, applies } of statements) {
    const answer = applies(request);
    if (effect === 'Deny' && answer === undefined) {
      return { allowed: false, reason: `because ${name} of its policy can't be evaluated` };
    }
    if (effect === 'Deny' && answer) {
      return { allowed: false, reason: `with an explicit deny in an identity-based policy: ${name}` };
    }
    if (effect === 'Allow' && answer) allowed ??= name;
  }
  if (allowed !== undefined) return { allowed: true, reason: `allowed by ${allowed}` };
  return { allowed: false, reason: `because no identity-based policy allows the ${request.action} action` };
}
