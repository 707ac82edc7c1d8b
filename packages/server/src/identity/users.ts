/**
 * The rules of users and keys: what is made, changed and removed, each in one transaction with its audit
 * row. Whatever happens, somebody can still administer this installation afterwards.
 */
import type { NewAccessKey } from '@rollcall/wire';
import { recordAudit } from '../audit/index.ts';
import type { Clock } from '../clock.ts';
import { type Call, Refusal } from '../service/index.ts';
import type { AccessKeysRow, Store, UsersRow, WriteTx } from '../store/index.ts';
import { newAccessKeyId, newSecret, newUserId } from './new-key.ts';
import { administratorPolicy, allowsEverything } from './policy/compiled.ts';
import { readPolicy } from './policy/grammar.ts';
import * as queries from './queries.ts';
import { seal, unseal } from './sealed.ts';

/** What the rules of users need. */
export interface UsersDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly account: string;
  /** Seals the stored secrets. */
  readonly sealKey: Uint8Array;
  /** Told, after commit, that a user, policy or key changed. */
  changed(): void;
}

/** A user with its keys, as stored. */
export interface UserWithKeys {
  readonly user: UsersRow;
  readonly keys: readonly AccessKeysRow[];
}

/** As many as AWS allows: one in use and one to change over to. */
const keysPerUser = 2;
/** What a user may do who was made without a policy: nothing, until one is put. */
const emptyPolicy = JSON.stringify({ Version: '2012-10-17', Statement: [] });

/** The rules of users and keys. */
export type Users = ReturnType<typeof openUsers>;

/** Opens the rules. */
export function openUsers({ store, clock, account, sealKey, changed }: UsersDeps) {
  const arnOf = (name: string) => `arn:aws:iam::${account}:user/${name}`;

  /** One change: alone among changes of users, audited, and never the end of the last administrator. */
  function change<R>(work: (tx: WriteTx) => Promise<R>): Promise<R> {
    return store.write(async (tx) => {
      await queries.oneAtATime(tx);
      const before = await hasAdministrator(tx);
      const result = await work(tx);
      if (before && !(await hasAdministrator(tx))) throw lastAdministrator();
      tx.afterCommit(changed);
      return result;
    });
  }
  async function addKey(tx: WriteTx, name: string): Promise<NewAccessKey> {
    let id = newAccessKeyId('AKIA');
    while (await queries.findKey(tx, id)) id = newAccessKeyId('AKIA');
    const secret = newSecret();
    await queries.insertKey(tx, {
      access_key_id: id,
      user_name: name,
      secret: seal(sealKey, id, secret).toString('base64'),
      status: 'Active',
      created_at: clock.now(),
    });
    return { AccessKeyId: id, SecretAccessKey: secret };
  }
  function addUser(tx: WriteTx, name: string, policy: string): Promise<boolean> {
    const row = { user_name: name, user_id: newUserId(), created_at: clock.now(), policy, epoch: 1 };
    return queries.insertUser(tx, row);
  }
  async function existing(tx: WriteTx, name: string): Promise<UsersRow> {
    const user = await queries.findUser(tx, name);
    if (!user) throw noSuch(`user with name ${name}`);
    return user;
  }
  async function existingKey(tx: WriteTx, id: string): Promise<AccessKeysRow> {
    const key = await queries.findKey(tx, id);
    if (!key) throw noSuch(`access key with id ${id}`);
    return key;
  }

  return {
    arnOf,
    /**
     * Makes the first administrator when there are no users yet. Where there are some, and the key `held` on this
     * machine isn't among theirs (the books were restored without it, or under another secrets key), finds an
     * administrator's key, or makes one more. Answers the key only when it isn't the one held. `keep` has written
     * it down before it counts: whoever loses power in between must not be left with a key that nobody has.
     */
    ensureAdministrator(
      keep?: (key: NewAccessKey) => Promise<void>,
      held?: NewAccessKey,
    ): Promise<NewAccessKey | undefined> {
      return store.write(async (tx) => {
        await queries.oneAtATime(tx);
        const { users, keys } = await queries.everyUser(tx);
        const secretOf = (key: AccessKeysRow) =>
          unseal(sealKey, key.access_key_id, Buffer.from(key.secret, 'base64'));
        const same = keys.find((key) => key.access_key_id === held?.AccessKeyId);
        // A key that was disabled is known too: somebody meant it.
        if (same && secretOf(same) === held?.SecretAccessKey) return undefined;
        const administrators = users.filter((user) => allowsEverything(user.policy));
        const administrator = administrators.find((user) => user.user_name === 'admin') ?? administrators[0];
        if (users.length > 0 && !administrator) return undefined;
        const name = administrator?.user_name ?? 'admin';
        if (!administrator) await addUser(tx, name, administratorPolicy);
        const mine = keys.filter((key) => key.user_name === name && key.status === 'Active');
        for (const { access_key_id, secret } of mine.map((key) => ({ ...key, secret: secretOf(key) }))) {
          if (secret === undefined) continue;
          const found = { AccessKeyId: access_key_id, SecretAccessKey: secret };
          await keep?.(found);
          return found;
        }
        const key = await addKey(tx, name);
        await keep?.(key);
        tx.afterCommit(changed);
        return key;
      });
    },
    list(): Promise<UserWithKeys[]> {
      return store.read(async (tx) => {
        const { users, keys } = await queries.everyUser(tx);
        return users.map((user) => ({ user, keys: keys.filter((key) => key.user_name === user.user_name) }));
      });
    },
    async create(
      call: Call,
      name: string,
      policy = emptyPolicy,
    ): Promise<UserWithKeys & { key: NewAccessKey }> {
      checkPolicy(policy);
      return change(async (tx) => {
        if (!(await addUser(tx, name, policy))) {
          throw new Refusal('EntityAlreadyExistsException', `User with name ${name} already exists.`);
        }
        const key = await addKey(tx, name);
        await recordAudit(tx, call, { resource: arnOf(name), detail: { AccessKeyId: key.AccessKeyId } });
        return { user: await existing(tx, name), keys: await queries.keysOf(tx, name), key };
      });
    },
    remove(call: Call, name: string): Promise<void> {
      return change(async (tx) => {
        await existing(tx, name);
        await queries.removeUser(tx, name);
        await recordAudit(tx, call, { resource: arnOf(name) });
      });
    },
    async putPolicy(call: Call, name: string, policy: string): Promise<void> {
      checkPolicy(policy);
      await change(async (tx) => {
        await existing(tx, name);
        await queries.setPolicy(tx, name, policy);
        await recordAudit(tx, call, {
          resource: arnOf(name),
          detail: { PolicyDocument: policy.slice(0, 256) },
        });
      });
    },
    createKey(call: Call, name: string): Promise<NewAccessKey> {
      return change(async (tx) => {
        await existing(tx, name);
        if ((await queries.keysOf(tx, name)).length >= keysPerUser) {
          throw new Refusal(
            'LimitExceededException',
            `User ${name} has ${keysPerUser} access keys already. Delete one of them first.`,
          );
        }
        const key = await addKey(tx, name);
        await recordAudit(tx, call, { resource: arnOf(name), detail: { AccessKeyId: key.AccessKeyId } });
        return key;
      });
    },
    setKeyStatus(call: Call, id: string, status: AccessKeysRow['status']): Promise<void> {
      return change(async (tx) => {
        const key = await existingKey(tx, id);
        await queries.setKeyStatus(tx, id, status);
        const detail = { AccessKeyId: id, Status: status };
        await recordAudit(tx, call, { resource: arnOf(key.user_name), detail });
      });
    },
    removeKey(call: Call, id: string): Promise<void> {
      return change(async (tx) => {
        const key = await existingKey(tx, id);
        await queries.removeKey(tx, id);
        await recordAudit(tx, call, { resource: arnOf(key.user_name), detail: { AccessKeyId: id } });
      });
    },
  };
}

/** Whether somebody has an active key and a policy that allows everything. */
async function hasAdministrator(tx: WriteTx): Promise<boolean> {
  const { users, keys } = await queries.everyUser(tx);
  const active = new Set(keys.filter((key) => key.status === 'Active').map((key) => key.user_name));
  return users.some((user) => active.has(user.user_name) && allowsEverything(user.policy));
}

function checkPolicy(text: string): void {
  const read = readPolicy(text);
  if (read.ok) return;
  const shown = read.problems.slice(0, 5).join('; ');
  throw new Refusal('MalformedPolicyDocumentException', `The policy document can't be used: ${shown}.`);
}

function noSuch(what: string): Refusal {
  return new Refusal('NoSuchEntityException', `The ${what} cannot be found.`);
}

function lastAdministrator(): Refusal {
  return new Refusal(
    'ConflictException',
    'This would leave nobody who may do everything, and no way back in. First give another user a policy ' +
      'that allows "*" on "*", and an active access key.',
  );
}
