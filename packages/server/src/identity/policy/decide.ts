/** May they? Nodes by what their built-in role allows, users by their policy, everybody else never. */
import type { Call } from '../../service/index.ts';
import type { Accounts } from '../accounts.ts';
import type { PolicyDecision } from './compiled.ts';
import { nodeActions } from './node-role.ts';

/** Finds the tags of a resource; a hook, since tags live further right. */
export type FindTags = (region: string, arn: string) => Promise<Readonly<Record<string, string>>>;

/** Decides calls. */
export type Decide = (call: Call, action: string, resources: readonly string[]) => Promise<PolicyDecision>;

const nodeAllowed: PolicyDecision = { allowed: true, reason: 'allowed by the role of managed nodes' };
const nodeAllowedSoon = Promise.resolve(nodeAllowed);

/** Makes the decider. */
export function decider(accounts: Accounts, findTags: FindTags | undefined): Decide {
  async function decideUser(
    call: Call,
    action: string,
    resources: readonly string[],
  ): Promise<PolicyDecision> {
    const { principal } = call;
    if (principal.kind !== 'user')
      return refusal(call, action, resources[0], 'because the request is not signed');
    const account = await accounts.findUser(principal.name);
    if (!account) return refusal(call, action, resources[0], 'because the user was deleted');
    const policy = account.policy();
    let last: PolicyDecision | undefined;
    // Nothing named means: on everything.
    for (const resource of resources.length > 0 ? resources : ['*']) {
      const decision = await policy.decide({
        call,
        userName: account.name,
        userId: account.userId,
        principalArn: principal.arn,
        action,
        resource,
        tags: () => {
          if (!findTags) throw new Error('Tags are not looked up here.');
          return findTags(call.region, resource);
        },
      });
      if (!decision.allowed) return refusal(call, action, resource, decision.reason);
      last = decision;
    }
    return { allowed: true, reason: `${last!.reason} of the policy of user ${account.name}` };
  }
  return (call, action, resources) => {
    if (call.principal.kind !== 'node') return decideUser(call, action, resources);
    if (nodeActions.has(action)) return nodeAllowedSoon;
    const why = `because no identity-based policy allows the ${action} action`;
    return Promise.resolve(refusal(call, action, resources[0], why));
  };
}

/** AWS's sentence, so that people and programs that know it read it as they are used to. */
function refusal(
  { principal }: Call,
  action: string,
  resource: string | undefined,
  why: string,
): PolicyDecision {
  const who = principal.kind === 'anonymous' ? 'An unsigned request' : `User: ${principal.arn}`;
  const what = `perform: ${action} on resource: ${resource ?? '*'}`;
  return { allowed: false, reason: `${who} is not authorized to ${what} ${why}` };
}
