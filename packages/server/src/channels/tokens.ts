/**
 * One-use tokens that tie a control channel's websocket to the request that asked for it. They live in
 * memory only: after a restart, agents simply ask for another.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** How long a token is good for, in milliseconds. */
export const tokenLifetime = 60_000;

/** More than this many at once are never kept; a node has at most one. */
export const mostTokens = 50_000;

interface Pending {
  readonly digest: Buffer;
  readonly principal: string;
  readonly expires: number;
}

/** The tokens that have been issued and not yet used. */
export interface ChannelTokens {
  /** Issues a token to a node; an earlier unused one is void. Undefined when too many are pending. */
  issue(nodeId: string, principal: string): string | undefined;
  /** True once, for the token that was issued to this node and this principal, while it is fresh. */
  redeem(nodeId: string, principal: string, token: string): boolean;
  forget(nodeId: string): void;
  /** Drops what has expired. */
  sweep(): void;
  readonly size: number;
}

/** Opens an empty set of tokens. */
export function openTokens(clock: Clock): ChannelTokens {
  // In the order of issue, which is the order of expiry.
  const pending = new Map<string, Pending>();
  const sweep = () => {
    const now = clock.monotonic();
    for (const [nodeId, token] of pending) {
      if (token.expires > now) break;
      pending.delete(nodeId);
    }
  };
  return {
    issue(nodeId, principal) {
      pending.delete(nodeId);
      if (pending.size >= mostTokens) sweep();
      if (pending.size >= mostTokens) return undefined;
      const token = randomBytes(32).toString('base64url');
      pending.set(nodeId, { digest: digestOf(token), principal, expires: clock.monotonic() + tokenLifetime });
      return token;
    },
    redeem(nodeId, principal, token) {
      const issued = pending.get(nodeId);
      if (!issued || issued.expires <= clock.monotonic() || issued.principal !== principal) return false;
      // Digests have one length, so that the comparison tells nothing of the token's.
      if (!timingSafeEqual(issued.digest, digestOf(token))) return false;
      pending.delete(nodeId);
      return true;
    },
    forget: (nodeId) => void pending.delete(nodeId),
    sweep,
    get size() {
      return pending.size;
    },
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
