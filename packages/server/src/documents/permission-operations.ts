/**
 * `DescribeDocumentPermission`, `ModifyDocumentPermission`. With whom a document is shared is kept, listed, and
 * in the way of its deletion, so that what manages documents at AWS works; nobody gains access by it, because
 * an installation has one account.
 */
import type {
  DescribeDocumentPermissionRequest,
  DescribeDocumentPermissionResponse,
  ModifyDocumentPermissionRequest,
  ModifyDocumentPermissionResponse,
} from '@aws-sdk/client-ssm';
import { recordAudit } from '../audit/index.ts';
import { type AnyOperation, operation, Refusal, readToken, writeToken } from '../service/index.ts';
import { accessByName, changedArn, type DocumentsCore, refuseBuiltIn } from './core.ts';
import { noDocument } from './library.ts';
import { documentExists, listShares, lockDocument, putShares, removeShares } from './queries.ts';

/** AWS's limit for one call, and for one document. */
const mostInOneCall = 20;
const mostShares = 1000;

/** Declares them. */
export function permissionOperations({ store }: DocumentsCore): readonly AnyOperation[] {
  return [
    operation<DescribeDocumentPermissionRequest, DescribeDocumentPermissionResponse>({
      service: 'ssm',
      name: 'DescribeDocumentPermission',
      access: accessByName('ssm:DescribeDocumentPermission'),
      changes: false,
      async handle(call, input) {
        const name = input.Name ?? '';
        checkPermissionType(input.PermissionType);
        refuseBuiltIn(name);
        const size = input.MaxResults ?? 200;
        const question = [call.operation, call.region, name];
        const [after = ''] = readToken<readonly [string]>(question, input.NextToken, ['']) ?? [];
        return store.read(async (tx) => {
          if (!(await documentExists(tx, call.region, name))) throw noDocument(name);
          const rows = await listShares(tx, call.region, name, after, size + 1);
          const page = rows.slice(0, size);
          const last = page.at(-1);
          return {
            AccountIds: page.map((row) => row.account_id),
            AccountSharingInfoList: page.map((row) => ({
              AccountId: row.account_id,
              SharedDocumentVersion: row.shared_version,
            })),
            ...(rows.length > size && last && { NextToken: writeToken(question, [last.account_id]) }),
          };
        });
      },
    }),
    operation<ModifyDocumentPermissionRequest, ModifyDocumentPermissionResponse>({
      service: 'ssm',
      name: 'ModifyDocumentPermission',
      access: accessByName('ssm:ModifyDocumentPermission'),
      changes: true,
      async handle(call, input) {
        const name = input.Name ?? '';
        checkPermissionType(input.PermissionType);
        refuseBuiltIn(name);
        const add = accountsOf(input.AccountIdsToAdd);
        const remove = accountsOf(input.AccountIdsToRemove);
        await store.write(async (tx) => {
          if (!(await lockDocument(tx, call.region, name))) throw noDocument(name);
          await removeShares(tx, call.region, name, remove);
          await putShares(tx, call.region, name, add, input.SharedDocumentVersion ?? '$DEFAULT');
          if ((await listShares(tx, call.region, name, '', mostShares + 1)).length > mostShares) {
            throw tooMany(`A document can be shared with at most ${mostShares} accounts.`);
          }
          await recordAudit(tx, call, {
            resource: changedArn(call, name),
            detail: { added: add.join(', '), removed: remove.join(', ') },
          });
        });
        return {};
      },
    }),
  ];
}

function checkPermissionType(type: string | undefined): void {
  if (type === 'Share') return;
  throw new Refusal('InvalidPermissionType', 'Share is the only permission type.');
}

function accountsOf(ids: readonly string[] = []): readonly string[] {
  if (ids.length > mostInOneCall) {
    throw tooMany(`One call can name at most ${mostInOneCall} accounts.`);
  }
  return [...new Set(ids.map((id) => id.toLowerCase()))];
}

function tooMany(why: string): Refusal {
  return new Refusal('DocumentPermissionLimit', why);
}
