/**
 * May they? Runs an operation's access rule against the one who calls. That a node touches only itself is
 * checked here, before any policy is asked.
 */
import type { Identity } from '../identity/index.ts';
import { type Access, type Call, Refusal } from '../service/index.ts';

/** The ARN of a node of either kind. */
export function nodeArn(region: string, account: string, nodeId: string): string {
  return nodeId.startsWith('i-')
    ? `arn:aws:ec2:${region}:${account}:instance/${nodeId}`
    : `arn:aws:ssm:${region}:${account}:managed-instance/${nodeId}`;
}

/**
 * Throws `AccessDeniedException` unless the caller may make this call.
 * Returns the resources that it was decided on, for the audit trail.
 */
export async function authorize<I>(
  identity: Pick<Identity, 'decide'>,
  access: Access<I>,
  call: Call,
  input: I,
): Promise<readonly string[]> {
  const { principal } = call;
  switch (access.by) {
    case 'activation':
      return ['*'];
    case 'node-key':
      if (principal.kind === 'node' && principal.by === 'node-key') return [principal.arn];
      throw denied(call, 'this operation is signed with the key pair that a node registered');
    case 'own-node': {
      const nodeId = access.node(input);
      if (principal.kind !== 'node' || principal.by !== 'credentials' || principal.nodeId !== nodeId) {
        throw denied(call, `only ${nodeId} itself may do this`);
      }
      const resource = nodeArn(call.region, call.account, nodeId);
      await decide(identity, call, access.action, [resource]);
      return [resource];
    }
    case 'policy': {
      const resources = access.resources(input, call);
      await decide(identity, call, access.action, resources);
      return resources;
    }
  }
}

async function decide(
  identity: Pick<Identity, 'decide'>,
  call: Call,
  action: string,
  resources: readonly string[],
): Promise<void> {
  const decision = await identity.decide(call, action, resources);
  if (!decision.allowed) throw new Refusal('AccessDeniedException', decision.reason);
}

function denied(call: Call, why: string): Refusal {
  const who = call.principal.kind === 'anonymous' ? 'An unsigned request' : `User: ${call.principal.arn}`;
  return new Refusal(
    'AccessDeniedException',
    `${who} is not authorized to perform: ${call.operation} because ${why}.`,
  );
}
