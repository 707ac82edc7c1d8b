/** Documents: what commands do, written down; the ones that every installation has, and those made here. */
import type { PlatformType } from '@rollcall/documents';
import type { AnyOperation } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';
import { changeOperations } from './change-operations.ts';
import type { DocumentsCore, DocumentsDeps } from './core.ts';
import { type FoundDocument, Library } from './library.ts';
import { documentArn } from './names.ts';
import { permissionOperations } from './permission-operations.ts';
import { documentExists } from './queries.ts';
import { readOperations } from './read-operations.ts';
import { reviewOperations } from './review-operations.ts';

export type { DocumentsDeps } from './core.ts';
export type { FoundDocument } from './library.ts';
export { documentArn } from './names.ts';

/** The documents of this installation. */
export interface Documents {
  readonly operations: readonly AnyOperation[];
  /**
   * Finds a document by name or ARN, in its default version unless a number, `$LATEST` or `$DEFAULT` is given.
   * It is read from memory when it was used before. Throws the refusals `InvalidDocument` and
   * `InvalidDocumentVersion`.
   */
  find(tx: ReadTx, region: string, nameOrArn: string, version?: string): Promise<FoundDocument>;
  /** The platforms that the default version of a document serves. Throws the refusal `InvalidDocument`. */
  platformsOf(tx: ReadTx, region: string, nameOrArn: string): Promise<readonly PlatformType[]>;
}

/** Opens the documents. */
export function openDocuments(deps: DocumentsDeps): Documents {
  const library = new Library(deps.account);
  const core: DocumentsCore = { ...deps, library };
  deps.tags.serve({ type: 'Document', arn: documentArn, exists: documentExists });
  return {
    operations: [
      ...changeOperations(core),
      ...readOperations(core),
      ...permissionOperations(core),
      ...reviewOperations(core),
    ],
    find: (tx, region, nameOrArn, version) => library.find(tx, region, nameOrArn, version),
    async platformsOf(tx, region, nameOrArn) {
      const head = await library.head(tx, region, library.nameOf(region, nameOrArn), 'default');
      return JSON.parse(head.platform_types);
    },
  };
}
