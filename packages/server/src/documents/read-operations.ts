/** `DescribeDocument`, `GetDocument`, `ListDocuments`, `ListDocumentVersions`. */
import type {
  DescribeDocumentRequest,
  DescribeDocumentResult,
  GetDocumentRequest,
  GetDocumentResult,
  ListDocumentsRequest,
  ListDocumentsResult,
  ListDocumentVersionsRequest,
  ListDocumentVersionsResult,
} from '@aws-sdk/client-ssm';
import { type JsonObject, writeYaml } from '@rollcall/documents';
import { type AnyOperation, dateOf, operation, present, readToken, writeToken } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';
import { builtIns } from './built-in.ts';
import { accessByName, type DocumentsCore } from './core.ts';
import { documentDescription, documentIdentifier, versionInfo } from './describe.ts';
import { builtInFits, type Condition, listConditions } from './filters.ts';
import { noDocument, wantedVersion } from './library.ts';
import { contentOf, listDocuments, listVersions, type VersionHead } from './queries.ts';

/** Declares them. */
export function readOperations(core: DocumentsCore): readonly AnyOperation[] {
  return [describe(core), get(core), list(core), versions(core)];
}

function describe({ store, library, tags, account }: DocumentsCore): AnyOperation {
  return operation<DescribeDocumentRequest, DescribeDocumentResult>({
    service: 'ssm',
    name: 'DescribeDocument',
    access: accessByName('ssm:DescribeDocument'),
    changes: false,
    async handle(call, input) {
      const name = library.nameOf(call.region, input.Name ?? '');
      const wanted = wantedVersion(name, input.DocumentVersion, input.VersionName);
      return store.read(async (tx) => {
        const head = await library.head(tx, call.region, name, wanted);
        const document = await library.document(tx, call.region, head);
        const itsTags = await tags.of(tx, call.region, 'Document', name);
        return { Document: documentDescription(head, document, itsTags, account) };
      });
    },
  });
}

function get({ store, library }: DocumentsCore): AnyOperation {
  return operation<GetDocumentRequest, GetDocumentResult>({
    service: 'ssm',
    name: 'GetDocument',
    access: accessByName('ssm:GetDocument'),
    changes: false,
    async handle(call, input) {
      const name = library.nameOf(call.region, input.Name ?? '');
      const wanted = wantedVersion(name, input.DocumentVersion, input.VersionName);
      const { head, stored } = await store.read(async (tx) => {
        const found = await library.head(tx, call.region, name, wanted);
        return { head: found, stored: await storedOf(tx, call.region, found) };
      });
      const format = input.DocumentFormat ?? 'JSON';
      return present<GetDocumentResult>({
        Name: head.name,
        DisplayName: head.display_name,
        VersionName: head.version_name,
        DocumentVersion: String(head.version),
        CreatedDate: dateOf(head.created_at),
        Status: 'Active',
        Content: await inFormat(head, stored, format),
        DocumentType: 'Command',
        DocumentFormat: format,
      });
    },
  });
}

interface Stored {
  readonly text: string;
  /** JSON. */
  readonly content: string;
}

async function storedOf(tx: ReadTx, region: string, head: VersionHead): Promise<Stored> {
  const builtIn = builtIns.get(head.name);
  if (builtIn) return { text: builtIn.text, content: builtIn.text };
  const row = await contentOf(tx, region, head.name, head.version);
  if (!row) throw noDocument(head.name);
  return row;
}

/** As it was sent, where that is the format asked for; else written anew. */
async function inFormat(head: VersionHead, stored: Stored, format: string): Promise<string> {
  if (format === head.format || format === 'TEXT') return stored.text;
  const content = JSON.parse(stored.content) as JsonObject;
  return format === 'YAML' ? writeYaml(content) : JSON.stringify(content, null, 2);
}

function list({ store, library, tags, account }: DocumentsCore): AnyOperation {
  const builtInHeads = async (
    tx: ReadTx,
    region: string,
    conditions: readonly Condition[],
    after: string,
  ) => {
    const heads: VersionHead[] = [];
    for (const name of builtIns.keys()) {
      if (name <= after) continue;
      const head = await library.head(tx, region, name, 'default');
      if (builtInFits(head, conditions)) heads.push(head);
    }
    return heads;
  };
  return operation<ListDocumentsRequest, ListDocumentsResult>({
    service: 'ssm',
    name: 'ListDocuments',
    access: { by: 'policy', action: 'ssm:ListDocuments', resources: () => ['*'] },
    changes: false,
    async handle(call, input) {
      const conditions = listConditions(input);
      const size = input.MaxResults ?? 50;
      const question = [call.operation, call.region, conditions];
      const [after = ''] = readToken<readonly [string]>(question, input.NextToken, ['']) ?? [];
      return store.read(async (tx) => {
        const stored = await listDocuments(tx, call.region, conditions, after, size + 1);
        const heads = [...stored, ...(await builtInHeads(tx, call.region, conditions, after))]
          .sort((one, other) => (one.name < other.name ? -1 : 1))
          .slice(0, size + 1);
        const page = heads.slice(0, size);
        const names = page.map(({ name }) => name);
        const tagsOf = await tags.ofMany(tx, call.region, 'Document', names);
        const last = page.at(-1);
        return {
          DocumentIdentifiers: page.map((head) =>
            documentIdentifier(head, tagsOf.get(head.name) ?? [], account),
          ),
          ...(heads.length > size && last && { NextToken: writeToken(question, [last.name]) }),
        };
      });
    },
  });
}

function versions({ store, library }: DocumentsCore): AnyOperation {
  return operation<ListDocumentVersionsRequest, ListDocumentVersionsResult>({
    service: 'ssm',
    name: 'ListDocumentVersions',
    access: accessByName('ssm:ListDocumentVersions'),
    changes: false,
    async handle(call, input) {
      const name = library.nameOf(call.region, input.Name ?? '');
      const size = input.MaxResults ?? 50;
      const question = [call.operation, call.region, name];
      const [after = 0] = readToken<readonly [number]>(question, input.NextToken, [0]) ?? [];
      return store.read(async (tx) => {
        // Also says when there is no such document.
        const head = await library.head(tx, call.region, name, 'default');
        const heads = builtIns.has(name)
          ? [head]
          : await listVersions(tx, call.region, name, after, size + 1);
        const page = heads.slice(0, size);
        const last = page.at(-1);
        return {
          DocumentVersions: page.map(versionInfo),
          ...(heads.length > size && last && { NextToken: writeToken(question, [last.version]) }),
        };
      });
    },
  });
}
