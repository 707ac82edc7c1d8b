/** What all operations of nodes share: what was passed in, and the nodes in memory. */
import type { Clock } from '../clock.ts';
import type { Events } from '../events/index.ts';
import type { Presence } from '../presence/index.ts';
import type { Call } from '../service/index.ts';
import type { ReadTx, Store, WriteTx } from '../store/index.ts';
import type { Tags } from '../tags/index.ts';
import type { NodeBooks } from './books.ts';

/** A node that has come or gone, for those who keep something about it. */
export interface NodeNews {
  readonly region: string;
  readonly nodeId: string;
}

/** Called in the transaction of what happens; what isn't stored belongs into `tx.afterCommit`. */
export interface NodeHooks {
  /** A node has registered (or was restored). */
  readonly registered?: (tx: WriteTx, node: NodeNews) => Promise<void>;
  /** A node was deregistered: its channels must close. */
  readonly gone?: (tx: WriteTx, node: NodeNews) => Promise<void>;
  /** The platforms that a document serves, by name or ARN. Throws the refusal `InvalidDocument`. */
  readonly documentPlatforms?: (tx: ReadTx, region: string, document: string) => Promise<readonly string[]>;
}

/** Credentials as a node gets them. */
export interface MintedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What nodes need. */
export interface NodesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  readonly presence: Presence;
  readonly tags: Tags;
  /** Issues temporary credentials for a node. */
  readonly mintNodeCredentials: (grant: {
    nodeId: string;
    region: string;
    epoch: number;
    roleName: string;
  }) => MintedCredentials | Promise<MintedCredentials>;
  /**
   * Fingerprint (SHA-256, hex) of the newest CA that the caller is known to trust: the one under which it got
   * through, or a successor that it says it has learnt.
   */
  readonly trustOf?: (call: Call) => string | undefined;
  /**
   * For how long the key before the last one is still accepted, in milliseconds; a week when left out. An agent
   * that lost power between our answer and its own disk has only the old key.
   */
  readonly keyGrace?: () => number;
  readonly events?: Pick<Events, 'record'>;
  readonly hooks?: NodeHooks;
}

/** The dependencies with their defaults, and the nodes in memory. */
export interface NodesCore extends Omit<NodesDeps, 'trustOf' | 'hooks' | 'keyGrace'> {
  readonly keyGrace: () => number;
  readonly trustOf: (call: Call) => string | undefined;
  readonly hooks: NodeHooks;
  readonly books: NodeBooks;
}
