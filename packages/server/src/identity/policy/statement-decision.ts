/**
 * Asks the simulator about one statement at a time, so that a decision can name the statement it rests on.
 * The only file that knows the simulator. It is loaded when the first policy needs it.
 */
import type { Statement } from './grammar.ts';

/** Everything a statement is decided by. */
export interface PolicyRequest {
  readonly principalArn: string;
  readonly account: string;
  /** `service:Operation`. */
  readonly action: string;
  /** An ARN, or `*`. Never a pattern: a `*` inside an ARN is a letter like any other. */
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/** What one statement says to a request. */
export type StatementVerdict = 'allows' | 'denies' | 'silent';

/** Decides one statement. Throws for what can't be decided: the caller then refuses. */
export async function decideStatement(
  statement: Statement,
  request: PolicyRequest,
): Promise<StatementVerdict> {
  const applicable = request.resource === '*' ? forAllResources(statement) : statement;
  if (!applicable) return 'silent';
  const { runUnsafeSimulation } = await import('@cloud-copilot/iam-simulate');
  const result = runUnsafeSimulation(
    {
      request: {
        principal: request.principalArn,
        action: request.action,
        resource: { resource: literal(request.resource), accountId: request.account },
        contextVariables: { ...request.context },
      },
      identityPolicies: [{ name: 'policy', policy: { Version: '2012-10-17', Statement: [applicable] } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  return result === 'Allowed' ? 'allows' : result === 'ExplicitlyDenied' ? 'denies' : 'silent';
}

/**
 * An operation without a resource of its own is allowed only on all resources. The simulator would take a
 * request for `*` as "for any", and let a statement about a single node through.
 */
function forAllResources(statement: Statement): Statement | undefined {
  const { Resource, NotResource, ...rest } = statement;
  const everything = (pattern: string) => /^\*+$/.test(pattern);
  if (Resource !== undefined) {
    return [Resource].flat().some(everything) ? { ...rest, Resource: '*' } : undefined;
  }
  return [NotResource ?? []].flat().some(everything) ? undefined : { ...rest, Resource: '*' };
}

/** The simulator takes `*` in a request as a wildcard, and its own wildcards stop at a line's end. */
function literal(resource: string): string {
  return resource.replace(/[*?\u0000-\u001f\u007f\u2028\u2029]/g, '\ufffd');
}
