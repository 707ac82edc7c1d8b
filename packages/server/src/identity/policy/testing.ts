/** What the tests of policies share: requests by a user `ann`, and whether a policy lets them through. */
import type { Call } from '../../service/index.ts';
import { account, callBy, userPrincipal } from '../testing.ts';
import { compilePolicy } from './compiled.ts';
import type { PolicyCall } from './context.ts';

/** The ARN of a node. */
export const node = (id: string) => `arn:aws:ssm:us-east-1:${account}:managed-instance/${id}`;

/** A request by `ann`; the end of the resource says which tags it has. */
export function asked(action: string, resource: string, changes: Partial<Call> = {}): PolicyCall {
  const call = callBy(userPrincipal('ann'), Date.UTC(2026, 10, 23, 12), changes);
  return {
    call,
    userName: 'ann',
    userId: 'AIDAANN',
    principalArn: `arn:aws:iam::${account}:user/ann`,
    action,
    resource,
    tags: async () =>
      resource.endsWith('/prod') ? { Stage: 'prod' } : resource.endsWith('/odd') ? { A: '1', a: '2' } : {},
  };
}
/** Whether a policy of these statements allows the request. */
export async function allows(
  statements: readonly object[],
  action: string,
  resource: string,
  changes: Partial<Call> = {},
) {
  const policy = compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
  return (await policy.decide(asked(action, resource, changes))).allowed;
}
