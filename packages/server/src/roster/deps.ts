/** What the roster needs from others. */
import type { Clock } from '../clock.ts';
import type { Events } from '../events/index.ts';
import type { Presence } from '../presence/index.ts';
import type { Store } from '../store/index.ts';

/** What the roster needs. */
export interface RosterDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  readonly regions: readonly string[];
  readonly presence: Pick<Presence, 'view' | 'statusOf'>;
  readonly events?: Pick<Events, 'record'>;
  /** Seals a secret for an owner, and opens it again. */
  readonly seal: (owner: string, text: string) => string;
  readonly unseal: (owner: string, sealed: string) => string | undefined;
  /** Told when sources couldn't be looked after; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/** The ARN that policies and the audit trail name. */
export function sourceArn(region: string, account: string, source: string): string {
  return `arn:aws:rollcall:${region}:${account}:roster/${source}`;
}
