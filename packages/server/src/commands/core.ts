/** What all parts of Run Command share: what was passed in, and the commands in memory. */
import type { Clock } from '../clock.ts';
import type { Documents } from '../documents/index.ts';
import type { Presence } from '../presence/index.ts';
import type { Call } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import type { FactsBook } from './command-facts.ts';
import type { SettleNews } from './settle.ts';

/** What Run Command needs. */
export interface CommandsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  readonly presence: Pick<Presence, 'view' | 'statusOf'>;
  readonly documents: Pick<Documents, 'find'>;
  /** As in the books: by it this server's channels are told from others'. */
  readonly serverId: string;
  /** Whether the caller may do `action` on a resource. */
  readonly decide: (
    call: Call,
    action: string,
    resources: readonly string[],
  ) => Promise<{ allowed: boolean }>;
  /** The bytes of each output stream that are kept; asked at each piece. */
  readonly outputLimit?: () => number;
  /** The bytes of all outputs together, as they are stored; asked at each sweep. */
  readonly outputsLimit?: () => number;
  /** The days for which commands are kept; asked at each sweep. */
  readonly retentionDays?: () => number;
  /** Carries news to other servers of the same store. */
  readonly bus?: {
    publish(subject: string, message: string): void;
    subscribe(subject: string, handler: (message: string, subject: string) => void): () => void;
  };
  readonly hooks?: {
    /** There may be something to offer to this node. */
    readonly wake?: (nodeId: string) => void;
  };
  /** Told when a sweep failed; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/** The same, with what is kept in memory. */
export interface CommandsCore extends CommandsDeps {
  readonly book: FactsBook;
  readonly news: SettleNews;
}
