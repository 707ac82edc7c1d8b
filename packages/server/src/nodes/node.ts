/** What a node is to the rest of the server, and how ids and ARNs of nodes look. */
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import type { KnownRow } from './known-row.ts';

/** Who a node is, as authentication needs it. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly region: string;
  /** The registered key, and the one before it while that is still accepted. */
  readonly publicKeys: readonly KeyObject[];
  /** Raised to revoke every credential that was issued to the node. */
  readonly epoch: number;
  readonly roleName: string;
  /** False for a node that was deregistered: its tombstone remains. */
  readonly registered: boolean;
}

/** How the two kinds of nodes are told apart: by the prefix of their ids. */
export type NodeKind = 'ManagedInstance' | 'EC2Instance';

/** The kind of a node id. */
export function kindOf(nodeId: string): NodeKind {
  return nodeId.startsWith('i-') ? 'EC2Instance' : 'ManagedInstance';
}

/** The shape of node ids in AWS's model. */
export function isNodeId(text: string): boolean {
  return /^(i-(\w{8}|\w{17})|mi-\w{17})$/.test(text);
}

/** A new id: `mi-` and 17 hex digits, as the official agent expects it. */
export function newNodeId(): string {
  return `mi-${randomBytes(9).toString('hex').slice(0, 17)}`;
}

/** The ARN that policies and the audit trail name. */
export function nodeArn(region: string, account: string, nodeId: string): string {
  return kindOf(nodeId) === 'EC2Instance'
    ? `arn:aws:ec2:${region}:${account}:instance/${nodeId}`
    : `arn:aws:ssm:${region}:${account}:managed-instance/${nodeId}`;
}

/** Reads a public key as agents send it: base64 of a DER SubjectPublicKeyInfo. RSA of 2048 bits or more only. */
export function readPublicKey(base64: string, type: string): KeyObject | undefined {
  if (type !== 'Rsa') return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 8192 ? key : undefined;
  } catch {
    return undefined;
  }
}

/** What an identity needs to know of the world, now. */
export interface IdentityRules {
  now(): number;
  /** With 0, previous keys are good no more, whatever they were promised. */
  keyGrace(): number;
}

/**
 * The identity in a row. A class for its getters, since there is one for each node in memory. Keys are made anew
 * each time: a node uses its own once in an hour, which costs 30 µs, and a made key is 5 KiB.
 */
export class RowIdentity implements NodeIdentity {
  readonly #row: KnownRow;
  readonly #rules: IdentityRules;

  constructor(row: KnownRow, rules: IdentityRules) {
    this.#row = row;
    this.#rules = rules;
  }

  get nodeId(): string {
    return this.#row.node_id;
  }

  get region(): string {
    return this.#row.region;
  }

  get epoch(): number {
    return this.#row.epoch;
  }

  get roleName(): string {
    return this.#row.iam_role ?? '';
  }

  get registered(): boolean {
    return this.#row.deregistered_at === null;
  }

  get publicKeys(): readonly KeyObject[] {
    const row = this.#row;
    const current = readPublicKey(row.public_key, row.public_key_type);
    const keys = current ? [current] : [];
    const inGrace = this.#rules.keyGrace() > 0 && (row.previous_key_until ?? 0) > this.#rules.now();
    if (row.previous_public_key !== null && inGrace) {
      const previous = readPublicKey(row.previous_public_key, row.public_key_type);
      if (previous) keys.push(previous);
    }
    return keys;
  }
}
