/**
 * `UpdateDocumentMetadata`, `ListDocumentMetadataHistory`. Only change templates are reviewed before they may
 * be used, and this version has none: no document has a review, and none can be given one.
 */
import type {
  ListDocumentMetadataHistoryRequest,
  ListDocumentMetadataHistoryResponse,
  UpdateDocumentMetadataRequest,
  UpdateDocumentMetadataResponse,
} from '@aws-sdk/client-ssm';
import { type AnyOperation, operation, Refusal } from '../service/index.ts';
import { accessByName, type DocumentsCore } from './core.ts';
import { wantedVersion } from './library.ts';

/** Declares them. */
export function reviewOperations({ store, library }: DocumentsCore): readonly AnyOperation[] {
  return [
    operation<ListDocumentMetadataHistoryRequest, ListDocumentMetadataHistoryResponse>({
      service: 'ssm',
      name: 'ListDocumentMetadataHistory',
      access: accessByName('ssm:ListDocumentMetadataHistory'),
      changes: false,
      async handle(call, input) {
        const name = input.Name ?? '';
        const wanted = wantedVersion(name, input.DocumentVersion);
        const head = await store.read((tx) => library.head(tx, call.region, name, wanted));
        return {
          Name: name,
          DocumentVersion: String(head.version),
          Author: head.created_by,
          Metadata: { ReviewerResponse: [] },
        };
      },
    }),
    operation<UpdateDocumentMetadataRequest, UpdateDocumentMetadataResponse>({
      service: 'ssm',
      name: 'UpdateDocumentMetadata',
      access: accessByName('ssm:UpdateDocumentMetadata'),
      changes: true,
      async handle(call, input) {
        const name = input.Name ?? '';
        const wanted = wantedVersion(name, input.DocumentVersion);
        await store.read((tx) => library.head(tx, call.region, name, wanted));
        throw new Refusal(
          'InvalidDocumentOperation',
          `Only change templates are reviewed; ${name} is a Command document and can be used as it is.`,
        );
      },
    }),
  ];
}
