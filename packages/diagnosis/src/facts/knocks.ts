/**
 * Whose a refused attempt was. A signature or a right code proves it; a claim and an address don't, and an
 * address is a lease: it counts only while it was the machine's, and nobody else used it.
 */
import type { Evidence, KnockRecord } from '../evidence/index.ts';
import type { Confidence } from '../verdict.ts';

/** An attempt that is the subject's, with how sure that is. */
export interface Attempt extends KnockRecord {
  readonly proof: Extract<Confidence, 'proven' | 'likely'>;
}

/** Longest that an agent waits between two attempts: an hour, and half as much again. */
const longestBackOff = 90 * 60_000;

/** The attempts that are the subject's, newest first; what it got past since is left out. */
export function attemptsOf(evidence: Evidence): readonly Attempt[] {
  const found = (evidence.door?.knocks ?? []).flatMap((knock): readonly Attempt[] => {
    if (wasAcceptedSince(evidence, knock) || cameFurtherSince(evidence, knock)) return [];
    if (knock.tie === 'signature' || knock.tie === 'code') return [{ ...knock, proof: 'proven' }];
    if (knock.tie === 'address' && !isItsAddress(evidence, knock)) return [];
    return [{ ...knock, proof: 'likely' }];
  });
  return found.sort((one, other) => other.lastAt - one.lastAt);
}

/** Whether it is so recent that an agent that is still refused has been there since. */
export function isCurrent(attempt: KnockRecord, now: number): boolean {
  return attempt.lastAt > now - longestBackOff;
}

function wasAcceptedSince({ now, records, door }: Evidence, knock: KnockRecord): boolean {
  const node = records?.node;
  // With its channel open and no heartbeat due, its agent has no reason to knock: that was another program there.
  const isContent = node?.connected === true && (node.lastPing ?? 0) > now - node.periodSeconds * 1000;
  if (isContent && (knock.tie === 'claim' || knock.tie === 'address')) return true;
  if (node?.lastPing !== undefined && node.lastPing >= knock.lastAt) return true;
  if (node !== undefined && node.deregisteredAt === undefined && node.registeredAt >= knock.lastAt)
    return true;
  const accepted = door?.lastAccepted;
  return knock.tie === 'address' && accepted?.address === knock.address && accepted.at >= knock.lastAt;
}

/** A handshake that failed is over once somebody there had one that didn't, whatever was answered then. */
function cameFurtherSince({ door }: Evidence, knock: KnockRecord): boolean {
  if (knock.layer !== 'tcp' && knock.layer !== 'tls') return false;
  return (door?.knocks ?? []).some(
    (one) =>
      one.address === knock.address &&
      one.layer !== 'tcp' &&
      one.layer !== 'tls' &&
      one.lastAt > knock.lastAt,
  );
}

/** Whether the address was the machine's at that time, and nobody else's. */
function isItsAddress({ records, node }: Evidence, knock: KnockRecord): boolean {
  if ((knock.sharedBy ?? 0) > 0) return false;
  const mine = records?.node?.nodeId;
  const others = (records?.addressUsers ?? []).filter(
    (user) => user.address === knock.address && user.nodeId !== mine && user.at >= knock.firstAt,
  );
  if (others.length > 0) return false;
  const sources =
    records?.node?.sources?.map(({ address, from }) => ({ address, from, to: undefined })) ?? [];
  const leases = [...(records?.machine?.addresses ?? []), ...sources];
  if (leases.some((one) => holds(one, knock))) return true;
  return node?.host.addresses.includes(knock.address) ?? false;
}

function holds(
  lease: { readonly address: string; readonly from: number; readonly to?: number | undefined },
  knock: KnockRecord,
): boolean {
  return (
    lease.address === knock.address && lease.from <= knock.lastAt && (lease.to ?? Infinity) >= knock.lastAt
  );
}
