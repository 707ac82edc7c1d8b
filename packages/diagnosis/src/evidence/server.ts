/**
 * What the server knows: who asked for what, what stands in its records, who came to its door, and how the rest
 * of the fleet is. Times are milliseconds since the epoch, by the server's clock.
 */
import type { NodeEvidence } from './node.ts';

/** Everything that is known of one subject. A side that is absent was not asked. */
export interface Evidence {
  /** By the clock of whoever judges. */
  readonly now: number;
  readonly request?: RequestEvidence;
  readonly records?: RecordsEvidence;
  readonly door?: DoorEvidence;
  readonly node?: NodeEvidence;
  /**
   * When `node` was seen, by the clock of whoever judges: of what was kept since. Absent: it was seen for this very
   * question, and its own time says when.
   */
  readonly nodeSeenAt?: number;
  readonly fleet?: FleetEvidence;
}

/** What was asked, and by whom. */
export interface RequestEvidence {
  /** As it was typed: an id, a name, an address. */
  readonly asked: string;
  readonly region: string;
  readonly servedRegions: readonly string[];
  readonly account: string;
  /** Whether the asker may list nodes at all. */
  readonly mayList?: boolean;
  /** The document or function that the node is to be picked for. */
  readonly document?: {
    readonly name: string;
    readonly platforms: readonly string[];
    readonly mayUse?: boolean;
  };
  /** What the name or address stands for, when that is more than one. */
  readonly candidates?: readonly { readonly id: string; readonly name?: string; readonly region: string }[];
}

/** What stands in the books about the subject. */
export interface RecordsEvidence {
  readonly node?: NodeRecord;
  /** The machine in the roster. */
  readonly machine?: MachineRecord;
  /** The same id or name in other regions served here. */
  readonly elsewhere?: readonly {
    /** By what it was found, where that is only its address now. */
    readonly by?: 'address';
    readonly nodeId: string;
    readonly region: string;
    readonly status: string;
  }[];
  /** Nodes that claim this machine's addresses now. */
  readonly addressUsers?: readonly {
    readonly address: string;
    readonly nodeId: string;
    readonly at: number;
  }[];
  /** A newer node with the same name that is there. */
  readonly successor?: { readonly nodeId: string; readonly status: string; readonly registeredAt: number };
  readonly activation?: ActivationRecord;
  readonly associations?: number;
  /** Commands that wait for it. */
  readonly waitingCommands?: { readonly count: number; readonly firstExpiresAt?: number };
  /** Five or more deregistrations by one actor within ten minutes, this node's among them. */
  readonly bulkDeregistration?: {
    readonly count: number;
    readonly by: string;
    readonly from: number;
    readonly to: number;
  };
}

/** A node. */
export interface NodeRecord {
  readonly nodeId: string;
  readonly name?: string;
  readonly region: string;
  readonly registeredAt: number;
  readonly deregisteredAt?: number;
  readonly deregisteredBy?: string;
  readonly status: 'Online' | 'ConnectionLost';
  readonly hidden: boolean;
  readonly lastPing?: number;
  readonly periodSeconds: number;
  readonly connected: boolean;
  readonly channelOpenedAt?: number;
  readonly channelClosedAt?: number;
  readonly channelClosedBy?: 'node' | 'server' | 'silence';
  readonly polling?: boolean;
  readonly agentName?: string;
  readonly agentVersion?: string;
  readonly platform?: string;
  readonly platformName?: string;
  readonly address?: string;
  /** Where its requests come from, newest first. */
  readonly sources?: readonly { readonly address: string; readonly from: number; readonly to: number }[];
  /** How far its clock was ahead at its last signed call, milliseconds. */
  readonly skewMs?: number;
  /** Seen in turns under two sets of facts. */
  readonly clone?: { readonly at: number; readonly sightings: readonly string[] };
  readonly role?: string;
  /** Fingerprint of the CA that it was last known to trust. */
  readonly trusts?: string;
}

/** A line of the roster. */
export interface MachineRecord {
  readonly key: string;
  readonly source: string;
  readonly sourceReadAt: number;
  readonly name: string;
  readonly expected: 'always' | 'office-hours' | 'spare' | 'retired';
  readonly power?: 'on' | 'off' | 'unknown';
  /** Until when it may be away: the roster says so. */
  readonly maintenanceUntil?: number;
  readonly firstSeenAt: number;
  readonly addresses: readonly { readonly address: string; readonly from: number; readonly to?: number }[];
  /** By what the node was found for it. */
  readonly joinedBy?: 'id' | 'uuid' | 'mac' | 'name' | 'address';
  /** The host name of the node that has its address, where only that joins them and their names differ. */
  readonly otherName?: string;
  /** That node's own evidence says that it is other hardware than the roster lists. */
  readonly isOther?: boolean;
  /** By what its source says that its hardware is known. */
  readonly hardware?: { readonly uuid?: string; readonly macs: readonly string[] };
}

/** The activation that the subject tried or used. */
export interface ActivationRecord {
  readonly activationId: string;
  readonly region: string;
  readonly expiresAt: number;
  readonly limit: number;
  readonly used: number;
  readonly deleted?: boolean;
}

/** Attempts that were refused or broke off, joined to the subject. */
export interface DoorEvidence {
  readonly knocks: readonly KnockRecord[];
  /** Whether the same address ever got through, before and after them. */
  readonly lastAccepted?: { readonly address: string; readonly at: number };
}

/** One kind of attempt, folded. */
export interface KnockRecord {
  readonly reason: string;
  readonly layer: string;
  readonly claim?: string;
  readonly address: string;
  readonly client: string;
  readonly serverName?: string;
  readonly detail?: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
  /** What ties it to the subject. Only a signature or a right code proves it. */
  readonly tie: 'signature' | 'code' | 'claim' | 'address';
  /** How many other nodes and machines use this address: then it may be any of them. */
  readonly sharedBy?: number;
}

/** How the others are, and how the server itself is: asked first. */
export interface FleetEvidence {
  readonly nodes: number;
  readonly online: number;
  /** When the servers last started, and when none listened before that. */
  readonly serverStartedAt?: number;
  readonly serverBlind?: readonly { readonly from: number; readonly to: number }[];
  /**
   * Nodes with the same trouble as the subject, by the sign that they share: `lost` (within 60 s of the subject),
   * `lost:ADDRESS` (the same, and the same way out), `skew` (the same, within 30 s), `tls` (handshakes refused),
   * or a knock's reason. `of` is how many there are to compare with: all, or all behind that address.
   */
  readonly shared?: readonly {
    readonly sign: string;
    readonly nodes: number;
    readonly of: number;
    readonly since?: number;
    readonly examples: readonly string[];
  }[];
  /** The median of the nodes' clocks, ahead of ours, milliseconds; and how many say so. */
  readonly medianSkewMs?: number;
  readonly skewSamples?: number;
  readonly certificate?: {
    readonly notBefore: number;
    readonly notAfter: number;
    readonly names: readonly string[];
    readonly fingerprint: string;
    readonly caFingerprint: string;
    readonly changedAt?: number;
  };
  readonly publicUrls?: readonly string[];
  readonly minimumVersions?: Readonly<Record<string, string>>;
}
