/**
 * What an operation is: its name on the wire, who may call it on what, and the function that answers.
 * Every capability folder exports a list of these; `api` serves them and nothing else. An operation
 * without an access rule doesn't compile.
 */
import type { KeyObject } from 'node:crypto';

/** Who a request was proved to come from. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly arn: string; readonly name: string; readonly accessKeyId: string }
  | {
      readonly kind: 'node';
      readonly arn: string;
      readonly nodeId: string;
      /** The region that the node is registered in. */
      readonly region: string;
      /** How it proved itself: with the key pair that it registered, or with credentials we issued. */
      readonly by: 'node-key' | 'credentials';
      /** With a key pair: the public key that verified it, which needn't be the newest one of the node. */
      readonly key?: KeyObject;
    };

/** Where a request came from. */
export interface Source {
  /** The client's address, after any trusted proxy; IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  readonly port: number;
  readonly userAgent: string;
  /** The TLS server name that the client asked for, when it sent one. */
  readonly serverName?: string;
}

/** One request, once it is known who makes it. */
export interface Call {
  /** Unique, lower-case UUID; answered as `x-amzn-RequestId` and logged. */
  readonly id: string;
  /** When it arrived, milliseconds since the epoch. */
  readonly at: number;
  readonly region: string;
  readonly account: string;
  readonly principal: Principal;
  readonly source: Source;
  /** `service:Operation`, e.g. `ssm:CreateActivation`: what the audit trail calls it. */
  readonly operation: string;
  /** Request headers that some operations need (lower-case names). */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Aborted when the client goes away before it is answered, so that long polls can end. */
  readonly gone?: AbortSignal;
}

/** Who may call an operation, and on what. */
export type Access<I> =
  /** Policies decide whether the caller may do `action` on each of the resources (ARNs, or `*`). */
  | { readonly by: 'policy'; readonly action: string; resources(input: I, call: Call): readonly string[] }
  /** The caller must be the very node named in the input; then its role's policy decides. */
  | { readonly by: 'own-node'; readonly action: string; node(input: I): string }
  /** Signed with a node's registered key pair (`mi-…` as access key id). */
  | { readonly by: 'node-key' }
  /** Unsigned: the handler checks the activation code in the input. */
  | { readonly by: 'activation' };

/** The wire services that share the one port. */
export type ServiceName = 'ssm' | 'ec2messages' | 'rollcall';

/** One operation, as a capability folder declares it. `I` and `O` are the wire shapes. */
export interface Operation<I, O> {
  readonly service: ServiceName;
  /** The operation's name on the wire, e.g. `DescribeInstanceInformation`. */
  readonly name: string;
  readonly access: Access<I>;
  /** True when a call changes what is stored: it then writes one audit row in the same transaction. */
  readonly changes: boolean;
  /** True when an answer may be long in coming: the call then says when its client has gone. */
  readonly waits?: boolean;
  /** Answers the call, or throws a `Refusal`. The input has been read and validated. */
  handle(call: Call, input: I): Promise<O>;
}

/** An operation whose shapes are nobody's business any more, as `api` keeps them in its table. */
// biome-ignore lint/suspicious/noExplicitAny: the table holds operations of every shape.
export type AnyOperation = Operation<any, any>;

/** Declares an operation; only gives the compiler the two types. */
export function operation<I, O>(declared: Operation<I, O>): Operation<I, O> {
  return declared;
}
