/** What a sender gives as the content of a document: read and checked, or refused in AWS's codes. */
import type { DocumentFormat, DocumentType } from '@aws-sdk/client-ssm';
import {
  type CommandDocument,
  documentHash,
  platformTypesOf,
  problemsText,
  readDocument,
} from '@rollcall/documents';
import { Refusal } from '../service/index.ts';
import type { DocumentVersionsRow } from '../store/index.ts';

/** AWS's limit. */
const mostBytes = 65_536;

/** A content that was checked, as the columns that hold it. */
export interface NewContent {
  readonly document: CommandDocument;
  readonly columns: Pick<
    DocumentVersionsRow,
    'format' | 'schema_version' | 'hash' | 'platform_types' | 'content' | 'text'
  >;
}

/** Reads a content. Done before a transaction begins: loading the YAML parser takes a while. */
export async function readContent(text: string, format: DocumentFormat = 'JSON'): Promise<NewContent> {
  const bytes = Buffer.byteLength(text);
  if (bytes > mostBytes) {
    throw new Refusal(
      'MaxDocumentSizeExceeded',
      `The size limit of a document is 64 KB (${mostBytes} bytes); this one has ${bytes}.`,
    );
  }
  if (format === 'TEXT') {
    throw new Refusal('InvalidDocumentContent', 'A Command document is written in JSON or YAML, not TEXT.');
  }
  const read = await readDocument(text, format);
  if (!read.ok) {
    const isSchema = read.problems.every(({ path }) => path === 'schemaVersion');
    throw new Refusal(
      isSchema ? 'InvalidDocumentSchemaVersion' : 'InvalidDocumentContent',
      problemsText(read.problems),
    );
  }
  const document = read.value;
  return {
    document,
    columns: {
      format,
      schema_version: document.schemaVersion,
      hash: documentHash(text),
      platform_types: JSON.stringify(platformTypesOf(document)),
      content: JSON.stringify(document.content),
      text,
    },
  };
}

/** Refuses documents of other types than this version can do something with. */
export function checkType(type: DocumentType | undefined): void {
  if (type === undefined || type === 'Command') return;
  throw new Refusal('InvalidDocumentType', `This version serves documents of the type Command; not ${type}.`);
}
