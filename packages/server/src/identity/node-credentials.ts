/**
 * The temporary credentials of nodes. Nothing about them is stored: the session token carries all of it,
 * sealed under a key that changes every day and that every server with the same secrets key can derive.
 */
import type { Clock } from '../clock.ts';
import { Lru } from './lru.ts';
import { newAccessKeyId, newSecret } from './new-key.ts';
import { purposeKey, seal, unseal } from './sealed.ts';

/** Whom credentials are for. */
export interface NodeGrant {
  readonly nodeId: string;
  readonly region: string;
  /** The node's epoch: when it is raised, credentials of older epochs end. */
  readonly epoch: number;
  readonly roleName: string;
}

/** What a node is handed. */
export interface NodeCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A session token, opened. */
export interface OpenedToken extends NodeGrant {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly expiresAt: number;
}

const mark = 'RC1';
const period = 86_400_000;
/** A node shows the same token for half of its life; opening one again is most of what it costs to prove a call. */
const mostTokensKept = 50_000;

/** Issues and opens session tokens. */
export interface TokenOffice {
  mint(grant: NodeGrant): NodeCredentials;
  /** Opens a token of ours, expired or not; undefined when it isn't one. */
  open(token: string): OpenedToken | undefined;
}

/** Whether a token has the form of ours, so that a stranger's can be told from a broken one. */
export function looksLikeOurs(token: string): boolean {
  return token.startsWith(mark);
}

/** Opens the token office. `lifetime` (milliseconds, at most a day) is asked at each issue. */
export function openTokenOffice(secretsKey: Uint8Array, clock: Clock, lifetime: () => number): TokenOffice {
  const keys = new Map<number, Buffer>();
  const opened = new Lru<{ readonly turn: number; readonly token: OpenedToken }>(mostTokensKept);
  // Only keys that can still have issued something: nobody makes us derive keys without end.
  const isCurrent = (turn: number) => Math.abs(turn - Math.floor(clock.now() / period)) <= 1;
  function keyOf(turn: number): Buffer {
    let key = keys.get(turn);
    if (!key) {
      key = purposeKey(secretsKey, `node credentials ${turn}`);
      for (const old of keys.keys()) if (Math.abs(old - turn) > 2) keys.delete(old);
      keys.set(turn, key);
    }
    return key;
  }
  return {
    mint(grant) {
      const now = clock.now();
      const turn = Math.floor(now / period);
      const accessKeyId = newAccessKeyId('ASIA');
      const secretAccessKey = newSecret();
      // Whole seconds: that is all the wire can say.
      const expiresAt = Math.floor((now + Math.min(lifetime(), period)) / 1000) * 1000;
      const { nodeId, region, epoch, roleName } = grant;
      const content = JSON.stringify([
        accessKeyId,
        secretAccessKey,
        nodeId,
        region,
        epoch,
        roleName,
        expiresAt,
      ]);
      const turnText = turn.toString(36);
      const sealed = seal(keyOf(turn), `${mark}${turnText}`, content);
      return {
        accessKeyId,
        secretAccessKey,
        sessionToken: `${mark}${turnText}.${sealed.toString('base64url')}`,
        expiresAt,
      };
    },
    open(token) {
      const known = opened.get(token);
      if (known) return isCurrent(known.turn) ? known.token : undefined;
      const match = /^RC1([0-9a-z]{1,8})\.([\w-]{40,2000})$/.exec(token);
      if (!match) return undefined;
      const turn = Number.parseInt(match[1]!, 36);
      if (!isCurrent(turn)) return undefined;
      // Of several ways to write the same bytes only one is ours.
      const sealed = Buffer.from(match[2]!, 'base64url');
      if (sealed.toString('base64url') !== match[2]) return undefined;
      const content = unseal(keyOf(turn), `${mark}${match[1]}`, sealed);
      if (content === undefined) return undefined;
      const [accessKeyId, secretAccessKey, nodeId, region, epoch, roleName, expiresAt] = JSON.parse(content);
      const found = { accessKeyId, secretAccessKey, nodeId, region, epoch, roleName, expiresAt };
      // Only what was ours is kept, so that strangers push nothing out.
      opened.set(token, { turn, token: found });
      return found;
    },
  };
}
