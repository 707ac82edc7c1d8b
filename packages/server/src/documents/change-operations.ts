/** `CreateDocument`, `UpdateDocument`, `UpdateDocumentDefaultVersion`, `DeleteDocument`. */
import type {
  CreateDocumentRequest,
  CreateDocumentResult,
  DeleteDocumentRequest,
  DeleteDocumentResult,
  UpdateDocumentDefaultVersionRequest,
  UpdateDocumentDefaultVersionResult,
  UpdateDocumentRequest,
  UpdateDocumentResult,
} from '@aws-sdk/client-ssm';
import { principalName, recordAudit } from '../audit/index.ts';
import { type AnyOperation, type Call, operation, present, Refusal } from '../service/index.ts';
import type { DocumentVersionsRow, WriteTx } from '../store/index.ts';
import { checkTags } from '../tags/index.ts';
import { checkType, type NewContent, readContent } from './content.ts';
import { accessByName, changedArn, type DocumentsCore, refuseBuiltIn } from './core.ts';
import { documentDescription } from './describe.ts';
import { noDocument, noVersion, wantedVersion } from './library.ts';
import { checkNewName } from './names.ts';
import {
  countDocuments,
  countVersions,
  deleteDocument,
  deleteVersion,
  findVersion,
  insertDocument,
  insertVersion,
  listShares,
  lockDocument,
  setDefaultVersion,
} from './queries.ts';

/** AWS's quotas. */
const mostDocuments = 500;
const mostVersions = 1000;

/** Declares them. */
export function changeOperations(core: DocumentsCore): readonly AnyOperation[] {
  return [create(core), update(core), updateDefault(core), remove(core)];
}

function create(core: DocumentsCore): AnyOperation {
  const { store, tags, account } = core;
  return operation<CreateDocumentRequest, CreateDocumentResult>({
    service: 'ssm',
    name: 'CreateDocument',
    access: accessByName('ssm:CreateDocument'),
    changes: true,
    async handle(call, input) {
      const name = input.Name ?? '';
      checkNewName(name);
      checkType(input.DocumentType);
      refuseAttachments(input);
      const newTags = input.Tags ?? [];
      checkTags(newTags);
      const content = await readContent(input.Content ?? '', input.DocumentFormat);
      const row = versionRow(call, name, 1, input, content);
      await store.write(async (tx) => {
        if ((await countDocuments(tx, call.region)) >= mostDocuments) {
          throw new Refusal(
            'DocumentLimitExceeded',
            `You can have at most ${mostDocuments} documents in a region.`,
          );
        }
        const { created_at, created_by } = row;
        if (!(await insertDocument(tx, call.region, { name, created_at, created_by }))) {
          throw new Refusal('DocumentAlreadyExists', `Document with name ${name} already exists.`);
        }
        await insertVersion(tx, call.region, row);
        await tags.put(tx, call.region, 'Document', name, newTags);
        await auditVersion(tx, call, row);
      });
      const head = { ...row, default_version: 1, latest_version: 1 };
      return { DocumentDescription: documentDescription(head, content.document, newTags, account) };
    },
  });
}

function update(core: DocumentsCore): AnyOperation {
  const { store, tags, account } = core;
  return operation<UpdateDocumentRequest, UpdateDocumentResult>({
    service: 'ssm',
    name: 'UpdateDocument',
    access: accessByName('ssm:UpdateDocument'),
    changes: true,
    async handle(call, input) {
      const name = input.Name ?? '';
      refuseBuiltIn(name);
      refuseAttachments(input);
      const content = await readContent(input.Content ?? '', input.DocumentFormat);
      return store.write(async (tx) => {
        const locked = await lockDocument(tx, call.region, name, true);
        const latest = locked && (await findVersion(tx, call.region, name, 'latest'));
        if (!locked || !latest) throw noDocument(name);
        const meant = await findVersion(
          tx,
          call.region,
          name,
          wantedVersion(name, input.DocumentVersion ?? '$LATEST'),
        );
        if (meant?.version !== latest.version) {
          throw new Refusal(
            'InvalidDocumentVersion',
            `Version provided for document ${name} is not latest. Its latest version is ${latest.version}.`,
          );
        }
        const row = versionRow(call, name, locked.version, input, content);
        if (latest.hash === row.hash) {
          throw new Refusal(
            'DuplicateDocumentContent',
            `The content is that of version ${latest.version} of ${name}, its latest one.`,
          );
        }
        if ((await countVersions(tx, call.region, name)) >= mostVersions) {
          throw new Refusal(
            'DocumentVersionLimitExceeded',
            `A document can have at most ${mostVersions} versions. Delete some of them first.`,
          );
        }
        const { version_name: versionName } = row;
        if (versionName !== null && (await findVersion(tx, call.region, name, { versionName }))) {
          throw new Refusal(
            'DuplicateDocumentVersionName',
            `A version of ${name} has the name ${versionName} already.`,
          );
        }
        await insertVersion(tx, call.region, row);
        await auditVersion(tx, call, row);
        const head = { ...row, default_version: locked.default_version, latest_version: row.version };
        const itsTags = await tags.of(tx, call.region, 'Document', name);
        return { DocumentDescription: documentDescription(head, content.document, itsTags, account) };
      });
    },
  });
}

function updateDefault({ store }: DocumentsCore): AnyOperation {
  return operation<UpdateDocumentDefaultVersionRequest, UpdateDocumentDefaultVersionResult>({
    service: 'ssm',
    name: 'UpdateDocumentDefaultVersion',
    access: accessByName('ssm:UpdateDocumentDefaultVersion'),
    changes: true,
    async handle(call, input) {
      const name = input.Name ?? '';
      refuseBuiltIn(name);
      const wanted = wantedVersion(name, input.DocumentVersion);
      return store.write(async (tx) => {
        if (!(await lockDocument(tx, call.region, name))) throw noDocument(name);
        const head = await findVersion(tx, call.region, name, wanted);
        if (!head) throw noVersion(name, wanted);
        await setDefaultVersion(tx, call.region, name, head.version);
        await recordAudit(tx, call, {
          resource: changedArn(call, name),
          detail: { version: head.version, before: head.default_version },
        });
        return {
          Description: present({
            Name: name,
            DefaultVersion: String(head.version),
            DefaultVersionName: head.version_name,
          }),
        };
      });
    },
  });
}

function remove({ store, tags }: DocumentsCore): AnyOperation {
  return operation<DeleteDocumentRequest, DeleteDocumentResult>({
    service: 'ssm',
    name: 'DeleteDocument',
    access: accessByName('ssm:DeleteDocument'),
    changes: true,
    async handle(call, input) {
      const name = input.Name ?? '';
      refuseBuiltIn(name);
      const { DocumentVersion: version, VersionName: versionName } = input;
      const isWhole = version === undefined && versionName === undefined;
      const wanted = wantedVersion(name, version, versionName);
      await store.write(async (tx) => {
        if (!(await lockDocument(tx, call.region, name))) throw noDocument(name);
        if (isWhole) {
          await refuseShared(tx, call, name);
          await deleteDocument(tx, call.region, name);
          await tags.drop(tx, call.region, 'Document', name);
        } else {
          const head = await findVersion(tx, call.region, name, wanted);
          if (!head) throw noVersion(name, wanted);
          if (head.version === head.default_version) {
            throw new Refusal(
              'InvalidDocumentOperation',
              `Version ${head.version} is the default version of ${name}. Make another one the default first, or delete the document.`,
            );
          }
          await deleteVersion(tx, call.region, name, head.version);
        }
        await recordAudit(tx, call, {
          resource: changedArn(call, name),
          ...(!isWhole && { detail: present({ version, versionName }) }),
        });
      });
      return {};
    },
  });
}

async function refuseShared(tx: WriteTx, call: Call, name: string): Promise<void> {
  const shares = await listShares(tx, call.region, name, '', 1);
  if (shares.length === 0) return;
  throw new Refusal(
    'InvalidDocumentOperation',
    `${name} is shared, with ${shares[0]?.account_id} among others. Stop sharing it before you delete it.`,
  );
}

/** Nothing of what they hold would reach a node. */
function refuseAttachments(input: {
  Attachments?: unknown[] | undefined;
  Requires?: unknown[] | undefined;
}): void {
  if (input.Attachments?.length || input.Requires?.length) {
    throw new Refusal(
      'InvalidDocumentContent',
      'This version serves documents without Attachments and Requires: leave them out.',
    );
  }
}

function versionRow(
  call: Call,
  name: string,
  version: number,
  input: CreateDocumentRequest | UpdateDocumentRequest,
  content: NewContent,
): Omit<DocumentVersionsRow, 'region'> {
  return {
    name,
    version,
    version_name: input.VersionName ?? null,
    created_at: call.at,
    created_by: principalName(call.principal),
    display_name: input.DisplayName ?? null,
    target_type: input.TargetType ?? null,
    ...content.columns,
  };
}

function auditVersion(tx: WriteTx, call: Call, row: Omit<DocumentVersionsRow, 'region'>): Promise<void> {
  return recordAudit(tx, call, {
    resource: changedArn(call, row.name),
    detail: { version: row.version, hash: row.hash },
  });
}
