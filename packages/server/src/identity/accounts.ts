/**
 * Users and their keys as they are now, in memory. A change made here is seen at once; one made through
 * another server within two seconds.
 */
import type { Clock } from '../clock.ts';
import type { Store } from '../store/index.ts';
import { type CompiledPolicy, compilePolicy } from './policy/compiled.ts';
import { everyUser } from './queries.ts';
import { unseal } from './sealed.ts';

/** A user, ready to be asked. */
export interface Account {
  readonly name: string;
  readonly userId: string;
  policy(): CompiledPolicy;
}

/** An access key of a user. */
export interface AccountKey {
  readonly account: Account;
  readonly active: boolean;
  /** Undefined when it was sealed under another secrets key. */
  secret(): string | undefined;
}

interface Snapshot {
  readonly users: ReadonlyMap<string, Account>;
  readonly keys: ReadonlyMap<string, AccountKey>;
  readonly loadedAt: number;
}

/** The users and keys of this installation. */
export interface Accounts {
  findKey(accessKeyId: string): Promise<AccountKey | undefined>;
  findUser(name: string): Promise<Account | undefined>;
  /** Says that something changed: the next question reads the store again. */
  changed(): void;
}

const freshFor = 1500;

/** Opens the accounts. `sealKey` opens the stored secrets. */
export function openAccounts(store: Store, clock: Clock, sealKey: Uint8Array): Accounts {
  const policies = new Map<string, CompiledPolicy>();
  let current: Snapshot | undefined;
  let loading: Promise<Snapshot> | undefined;

  async function load(): Promise<Snapshot> {
    const loadedAt = clock.monotonic();
    const { users: userRows, keys: keyRows } = await store.read(everyUser);
    const users = new Map<string, Account>();
    const keys = new Map<string, AccountKey>();
    for (const row of userRows) {
      const policy = () => compiled(row.policy);
      users.set(row.user_name, { name: row.user_name, userId: row.user_id, policy });
    }
    for (const row of keyRows) {
      const account = users.get(row.user_name);
      if (!account) continue;
      let opened: string | undefined;
      keys.set(row.access_key_id, {
        account,
        active: row.status === 'Active',
        secret: () => (opened ??= unseal(sealKey, row.access_key_id, Buffer.from(row.secret, 'base64'))),
      });
    }
    const inUse = new Set(userRows.map((row) => row.policy));
    for (const text of policies.keys()) if (!inUse.has(text)) policies.delete(text);
    return { users, keys, loadedAt };
  }
  function compiled(text: string): CompiledPolicy {
    const known = policies.get(text);
    if (known) return known;
    const fresh = compilePolicy(text);
    policies.set(text, fresh);
    return fresh;
  }
  async function snapshot(): Promise<Snapshot> {
    if (current && clock.monotonic() - current.loadedAt < freshFor) return current;
    if (loading) return loading;
    const mine = load().then(
      (loaded) => {
        // A change since the reading began made it old already.
        if (loading === mine) {
          loading = undefined;
          current = loaded;
        }
        return loaded;
      },
      (error) => {
        if (loading === mine) loading = undefined;
        throw error;
      },
    );
    loading = mine;
    return mine;
  }

  return {
    findKey: async (accessKeyId) => (await snapshot()).keys.get(accessKeyId),
    findUser: async (name) => (await snapshot()).users.get(name),
    changed() {
      current = undefined;
      loading = undefined;
    },
  };
}
