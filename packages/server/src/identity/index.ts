/**
 * Identity: who makes a request, and may they? Users with access keys and policies; nodes with temporary
 * credentials that we issue, and with the key pair they registered.
 */
import type { NewAccessKey } from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import { openAccounts } from './accounts.ts';
import { type Authenticated, type AuthenticationRequest, authenticator } from './authenticate.ts';
import { type NodeCredentials, type NodeGrant, openTokenOffice } from './node-credentials.ts';
import type { FindNode } from './node-key.ts';
import { userOperations } from './operations.ts';
import { type Decide, decider, type FindTags } from './policy/decide.ts';
import { purposeKey } from './sealed.ts';
import { openUsers } from './users.ts';

export type { Authenticated, AuthenticationRequest, SigningName } from './authenticate.ts';
export type { NodeCredentials, NodeGrant } from './node-credentials.ts';
export type { FindNode, NodeIdentity } from './node-key.ts';
export type { PolicyDecision } from './policy/compiled.ts';
export type { FindTags } from './policy/decide.ts';
export { nodeActions } from './policy/node-role.ts';
export type { RawRequest } from './request-parts.ts';
export { secretsBox } from './sealed.ts';

/** Who, and may they. */
export interface Identity {
  readonly operations: readonly AnyOperation[];
  /** Finds out who signed a request, or throws a Refusal that carries a knock. */
  authenticate(request: AuthenticationRequest): Promise<Authenticated>;
  /** Issues temporary credentials to a node. Nothing is stored. */
  mintNodeCredentials(grant: NodeGrant): NodeCredentials;
  /** Decides whether a caller may do `action` on all of the resources; the reason is fit for the caller. */
  readonly decide: Decide;
  /**
   * At the first start, makes the user `admin` and answers its key; later, nothing, unless the key `held` on this
   * machine isn't one of the books' any more: then it answers an administrator's. `keep` is given the key before
   * it is committed.
   */
  ensureAdministrator(
    keep?: (key: NewAccessKey) => Promise<void>,
    held?: NewAccessKey,
  ): Promise<NewAccessKey | undefined>;
  /** Whether an access key id is one of ours. */
  isAccessKey(accessKeyId: string): Promise<boolean>;
}

/** What identity needs. */
export interface IdentityDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  /** The regions served. */
  readonly regions: readonly string[];
  /** What all secrets at rest and all session tokens are sealed under. */
  readonly secretsKey: Uint8Array;
  /** How long node credentials last, milliseconds; asked at each issue. An hour when left out. */
  readonly credentialLifetime?: () => number;
  readonly hooks: {
    /** Finds a node, registered or a tombstone. Cached by who gives it, for at most two seconds. */
    readonly findNode: FindNode;
    /** Finds the tags of a resource, for policies that look at them; without it such policies allow nothing. */
    readonly findTags?: FindTags;
  };
}

const hour = 3_600_000;

/** Opens identity. */
export function openIdentity(deps: IdentityDeps): Identity {
  const { store, clock, account, regions, secretsKey, hooks } = deps;
  const sealKey = purposeKey(secretsKey, 'access keys');
  const accounts = openAccounts(store, clock, sealKey);
  const users = openUsers({ store, clock, account, sealKey, changed: accounts.changed });
  const tokens = openTokenOffice(secretsKey, clock, deps.credentialLifetime ?? (() => hour));
  return {
    operations: userOperations(users),
    authenticate: authenticator({ clock, account, regions, accounts, tokens, findNode: hooks.findNode }),
    mintNodeCredentials: tokens.mint,
    decide: decider(accounts, hooks.findTags),
    ensureAdministrator: users.ensureAdministrator,
    isAccessKey: async (id) => (await accounts.findKey(id)) !== undefined,
  };
}
