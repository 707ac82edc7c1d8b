/**
 * The node's credentials: fetched with the key pair, kept on disk so that a restart needs no call, renewed
 * when half of their life is over. Also changes the key pair when the server asks for it.
 */
import { join } from 'node:path';
import type { Calls, NodeCredentials } from './calls.ts';
import type { Clock } from './clock.ts';
import { isPassing, ServerRefusal } from './failures.ts';
import { fileNames, readText, removeFile, writeAtomic } from './files.ts';
import { makePrivateKey, publicKeyOf, type RegisteredIdentity } from './identity.ts';
import type { Log } from './log.ts';
import type { Visit } from './visit.ts';

/** The server knows this node no longer, or not by this key. */
export class NodeRefusedError extends Error {
  readonly refusal: ServerRefusal;
  constructor(refusal: ServerRefusal) {
    super(`The server refuses this node (${refusal.message}). It may have been deregistered there.`);
    this.name = 'NodeRefusedError';
    this.refusal = refusal;
  }
}

/** What {@link openCredentials} needs. */
export interface CredentialsDeps {
  readonly root: string;
  readonly clock: Clock;
  readonly calls: Calls;
  readonly log: Log;
  readonly identity: () => RegisteredIdentity;
  /** Saves the identity before it returns. */
  readonly changeIdentity: (identity: RegisteredIdentity) => void;
}

/** The credentials of one node. */
export interface Credentials {
  /**
   * Good credentials, from memory, disk, or the server.
   * @throws NodeRefusedError when the server doesn't know this node any more.
   */
  current(visit: Visit): Promise<NodeCredentials>;
  /** Does something with good credentials; once more with new ones when the server didn't accept them. */
  use<T>(visit: Visit, work: (credentials: NodeCredentials) => Promise<T>): Promise<T>;
  /** Forgets credentials that the server didn't accept. */
  drop(refused: NodeCredentials): void;
}

/** Opens the credentials. */
export function openCredentials(deps: CredentialsDeps): Credentials {
  const { root, clock, calls, log } = deps;
  const path = join(root, fileNames.credentials);
  let held = readCached(path, deps.identity().nodeId);
  let renewing: Promise<NodeCredentials> | undefined;

  async function renew(visit: Visit): Promise<NodeCredentials> {
    const { privateKey, nextPrivateKey, fingerprint } = deps.identity();
    try {
      let token: Awaited<ReturnType<Calls['requestToken']>>;
      try {
        token = await calls.requestToken(visit, privateKey, fingerprint);
      } catch (error) {
        // A change of keys was cut short: perhaps the server knows only the new one.
        if (nextPrivateKey === undefined || isPassing(error)) throw error;
        token = await calls.requestToken(visit, nextPrivateKey, fingerprint);
        promoteNextKey();
      }
      held = token.credentials;
      keepOnDisk(held);
      log('debug', 'New credentials.', { expiresAt: new Date(held.expiresAt).toISOString() });
      if (token.updateKeyPair) await changeKey(visit);
      return held;
    } catch (error) {
      if (error instanceof ServerRefusal && !isPassing(error)) throw new NodeRefusedError(error);
      throw error;
    }
  }

  /** They only save a call after a restart: a full disk must not stop a node that works. */
  function keepOnDisk(credentials: NodeCredentials): void {
    try {
      writeAtomic(path, `${JSON.stringify({ nodeId: deps.identity().nodeId, ...credentials })}\n`);
    } catch (error) {
      log('warn', 'The credentials could not be kept on disk.', { error: (error as Error).message });
    }
  }

  /** The new key is saved before the server hears of it; failing here costs nothing, it is asked for again. */
  async function changeKey(visit: Visit): Promise<void> {
    try {
      const before = deps.identity();
      const next = before.nextPrivateKey ?? (await makePrivateKey());
      deps.changeIdentity({ ...before, nextPrivateKey: next });
      await calls.updatePublicKey(visit, before.privateKey, publicKeyOf(next));
      promoteNextKey();
      log('info', 'The key pair was changed, as the server asked.');
    } catch (error) {
      log('warn', 'The key pair could not be changed; the next renewal tries again.', {
        error: (error as Error).message,
      });
    }
  }

  function promoteNextKey(): void {
    const { nextPrivateKey, ...identity } = deps.identity();
    if (nextPrivateKey !== undefined) deps.changeIdentity({ ...identity, privateKey: nextPrivateKey });
  }

  async function current(visit: Visit): Promise<NodeCredentials> {
    const now = clock.now();
    if (held && held.obtainedAt <= now && now < (held.obtainedAt + held.expiresAt) / 2) return held;
    renewing ??= renew(visit).finally(() => {
      renewing = undefined;
    });
    try {
      return await renewing;
    } catch (error) {
      // What still holds is used on: a refusal of *this* call must not cut a working node off early.
      if (held && now < held.expiresAt - 60_000) return held;
      throw error;
    }
  }

  function drop(refused: NodeCredentials): void {
    if (held !== refused) return;
    held = undefined;
    removeFile(path);
  }

  return {
    current,
    drop,
    async use(visit, work) {
      const credentials = await current(visit);
      try {
        return await work(credentials);
      } catch (error) {
        if (!(error instanceof ServerRefusal) || !speaksOfCredentials(error)) throw error;
        drop(credentials);
        return work(await current(visit));
      }
    },
  };
}

/** Codes that new credentials may cure. */
function speaksOfCredentials({ code }: ServerRefusal): boolean {
  return [
    'ExpiredTokenException',
    'ExpiredToken',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'IncompleteSignatureException',
  ].includes(code);
}

/** Credentials on disk are only a saving: whatever is wrong with them, they are fetched again. */
function readCached(path: string, nodeId: string): NodeCredentials | undefined {
  try {
    const { nodeId: owner, ...cached } = JSON.parse(readText(path) ?? '') as NodeCredentials & {
      nodeId: string;
    };
    const texts = [cached.accessKeyId, cached.secretAccessKey, cached.sessionToken];
    const times = [cached.obtainedAt, cached.expiresAt];
    const whole = texts.every((text) => typeof text === 'string') && times.every(Number.isFinite);
    return whole && owner === nodeId ? cached : undefined;
  } catch {
    return undefined;
  }
}
