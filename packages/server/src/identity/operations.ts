/** The user operations of `Rollcall.*`. */
import type * as wire from '@rollcall/wire';
import { type AnyOperation, type Call, type Operation, operation } from '../service/index.ts';
import type { Users, UserWithKeys } from './users.ts';

/** Declares the operations of users. */
export function userOperations(users: Users): readonly AnyOperation[] {
  function onUser<I, O>(
    name: string,
    nameOf: (input: I) => string,
    handle: Operation<I, O>['handle'],
    changes = true,
  ): AnyOperation {
    const resources = (input: I) => [nameOf(input)];
    return operation<I, O>({
      service: 'rollcall',
      name,
      access: { by: 'policy', action: `rollcall:${name}`, resources },
      changes,
      handle,
    });
  }
  const ofUser = (input: { UserName: string }) => users.arnOf(input.UserName);
  const all = () => '*';
  const detail = ({ user, keys }: UserWithKeys): wire.UserDetail => ({
    UserName: user.user_name,
    UserId: user.user_id,
    Arn: users.arnOf(user.user_name),
    CreatedAt: new Date(user.created_at),
    PolicyDocument: user.policy,
    AccessKeys: keys.map((key) => ({
      AccessKeyId: key.access_key_id,
      Status: key.status,
      CreatedAt: new Date(key.created_at),
    })),
  });
  return [
    onUser<wire.CreateUserInput, wire.CreateUserOutput>('CreateUser', ofUser, async (call, input) => {
      const created = await users.create(call, input.UserName, input.PolicyDocument);
      return { User: detail(created), AccessKey: created.key };
    }),
    onUser<wire.DeleteUserInput, object>('DeleteUser', ofUser, async (call, input) => {
      await users.remove(call, input.UserName);
      return {};
    }),
    onUser<object, wire.ListUsersOutput>(
      'ListUsers',
      all,
      async (_call: Call) => ({ Users: (await users.list()).map(detail) }),
      false,
    ),
    onUser<wire.PutUserPolicyInput, object>('PutUserPolicy', ofUser, async (call, input) => {
      await users.putPolicy(call, input.UserName, input.PolicyDocument);
      return {};
    }),
    onUser<wire.CreateAccessKeyInput, wire.CreateAccessKeyOutput>(
      'CreateAccessKey',
      ofUser,
      async (call, input) => ({
        AccessKey: await users.createKey(call, input.UserName),
      }),
    ),
    // A key names no user: who may change keys by their id may change them all.
    onUser<wire.UpdateAccessKeyInput, object>('UpdateAccessKey', all, async (call, input) => {
      await users.setKeyStatus(call, input.AccessKeyId, input.Status);
      return {};
    }),
    onUser<wire.DeleteAccessKeyInput, object>('DeleteAccessKey', all, async (call, input) => {
      await users.removeKey(call, input.AccessKeyId);
      return {};
    }),
  ];
}
