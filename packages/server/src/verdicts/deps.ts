/** What verdicts need from others. */
import type { FleetEvidence } from '@rollcall/diagnosis';
import type { Clock } from '../clock.ts';
import type { Documents } from '../documents/index.ts';
import type { Events } from '../events/index.ts';
import type { Presence } from '../presence/index.ts';
import type { Roster } from '../roster/index.ts';
import type { Call } from '../service/index.ts';
import type { Store } from '../store/index.ts';

/** What the server knows of itself. */
export type OwnEvidence = Pick<FleetEvidence, 'certificate' | 'publicUrls'>;

/** Something that is wrong with the server itself. */
export interface OwnProblem {
  /** Kebab-case. */
  readonly cause: string;
  /** One sentence. */
  readonly detail: string;
}

/** What verdicts need. */
export interface VerdictsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  /** The regions served. */
  readonly regions: readonly string[];
  readonly presence: Pick<Presence, 'view' | 'statusOf'>;
  readonly roster: Pick<Roster, 'around' | 'landscape'>;
  readonly documents: Pick<Documents, 'find'>;
  readonly events: Pick<Events, 'record'>;
  /** Whether the caller may do `action` on the resources. */
  readonly decide: (
    call: Call,
    action: string,
    resources: readonly string[],
  ) => Promise<{ allowed: boolean; reason: string }>;
  /** The certificate that is shown, and the names by which others reach us. */
  readonly own: () => OwnEvidence;
  /** Whether a node waits for mail by polling, on this server. */
  readonly isPolling: (nodeId: string) => boolean;
  /** What else is wrong here: room on the disk, say. Asked by `WhyAll` and nobody else. */
  readonly ownProblems?: () => Promise<readonly OwnProblem[]>;
  /** As in the books of presence: the subject of events that are about many nodes. */
  readonly serverId: string;
  /** Seconds for which something must last before it is told; asked each time. 60 when left out. */
  readonly timeToVisible?: () => number;
  /** For how many days changes of verdicts are kept; asked at each sweep. 90 when left out. */
  readonly retentionDays?: () => number;
  /** Told when the watch couldn't look; it tries again. */
  readonly onError?: (error: unknown) => void;
}
