/**
 * Whose a knock may be. A signature or a right code proves; a claim is only a claim; an address counts within its
 * lease, and how many others use it is said with it.
 */
import type { KnockRecord } from '@rollcall/diagnosis';
import { present } from '../service/index.ts';
import type { KnocksRow } from '../store/index.ts';

/** Refused after the signature was verified: the claim is proved. */
const signed = new Set([
  'signature-expired',
  'signature-not-yet-current',
  'expired-token',
  'revoked-token',
  'node-deregistered',
  'fingerprint-changed',
  'access-key-inactive',
]);

/** Refused although the activation's code was right. */
const rightCode = new Set(['activation-expired', 'activation-limit-reached', 'registration-key-conflict']);

/** An address that may be the subject's, and when it was. */
export interface Lease {
  readonly address: string;
  readonly from: number;
  readonly to?: number | undefined;
}

/** What a subject is known by at the door. */
export interface Marks {
  /** Its node's id. */
  readonly nodeId?: string | undefined;
  readonly leases: readonly Lease[];
  /** How many other nodes and machines use an address. */
  sharedBy(address: string): number;
}

/** A knock as evidence of the subject; undefined when it isn't its own. */
export function attribute(knock: KnocksRow, marks: Marks): KnockRecord | undefined {
  const claimsNode = /^m?i-/.test(knock.claim);
  if (claimsNode) {
    if (knock.claim !== marks.nodeId) return undefined;
    // Behind the signature (`policy`), and on a channel that was opened with one (`http`).
    const proved = knock.layer === 'policy' || knock.layer === 'http' || signed.has(knock.reason);
    const tie = proved ? 'signature' : 'claim';
    return record(knock, tie, marks.sharedBy(knock.address));
  }
  // A user's key: an operator's own trouble, whatever machine they sit at. One that is nobody's here is an agent's
  // that belongs elsewhere.
  if (/^A[KS]IA/.test(knock.claim) && !/^(foreign|unknown)-/.test(knock.reason)) return undefined;
  const lease = marks.leases.find(
    (one) =>
      one.address === knock.address &&
      one.from <= knock.last_at &&
      (one.to ?? Number.POSITIVE_INFINITY) >= knock.first_at,
  );
  if (!lease) return undefined;
  const sharedBy = marks.sharedBy(knock.address);
  const askedRegion = knock.reason === 'activation-invalid' && /^asked for region /.test(knock.detail ?? '');
  // A right code says that the owner of a code was there. Whether it was this machine, only its address says:
  // that is worth something while nobody else has it.
  const tie = (rightCode.has(knock.reason) || askedRegion) && sharedBy === 0 ? 'code' : 'address';
  return record(knock, tie, sharedBy);
}

function record(knock: KnocksRow, tie: KnockRecord['tie'], sharedBy: number): KnockRecord {
  return present<KnockRecord>({
    reason: knock.reason,
    layer: knock.layer,
    claim: knock.claim === '' ? undefined : knock.claim,
    address: knock.address,
    client: knock.client,
    serverName: knock.server_name,
    detail: knock.detail,
    firstAt: knock.first_at,
    lastAt: knock.last_at,
    count: knock.count,
    tie,
    sharedBy,
  });
}
