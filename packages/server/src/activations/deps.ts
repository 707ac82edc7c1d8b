/** What activations need from others. */
import type { Clock } from '../clock.ts';
import type { Nodes } from '../nodes/index.ts';
import type { Store } from '../store/index.ts';

/** Refusals that named an activation, folded by reason. */
export interface RefusalCount {
  readonly reason: string;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly lastAt: number;
}

/** What activations need. */
export interface ActivationsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  /** The regions served: an unsigned request names none unless by the host that it is sent to. */
  readonly regions: readonly string[];
  readonly nodes: Pick<Nodes, 'register'>;
  /** How many wrong codes a minute are looked at, for one activation. 20 when left out. */
  readonly guessesPerMinute?: () => number;
  readonly hooks?: {
    /** Who was refused with this activation: from the knocks. */
    readonly refusals?: (activationId: string) => Promise<readonly RefusalCount[]>;
  };
}

/** The ARN that policies and the audit trail name. */
export function activationArn(region: string, account: string, activationId: string): string {
  return `arn:aws:ssm:${region}:${account}:activation/${activationId}`;
}
