/** The documents of a database, held against what its audit trail says was done to them. */
import type { Row } from './command-books.ts';

/** What of the database concerns documents. */
export interface DocumentTables {
  readonly audit: readonly Row[];
  readonly documents: readonly Row[];
  readonly versions: readonly Row[];
  readonly shares: readonly Row[];
  readonly tags: readonly Row[];
}

interface Told {
  readonly versions: Map<number, string>;
  readonly shares: Set<string>;
  readonly tags: Map<string, string>;
  standard: number;
}

/** The audit trail, done again from the beginning, as one text for each document. */
function told(audit: readonly Row[]): Map<string, string> {
  const documents = new Map<string, Told>();
  for (const row of audit) {
    const resource = String(row.resource);
    if (row.decision !== 'allow' || !/:document\//.test(resource)) continue;
    const name = resource.slice(resource.lastIndexOf('/') + 1);
    const detail = JSON.parse(String(row.detail ?? '{}')) as Record<string, string | number>;
    const document = documents.get(name);
    const parts = (text: unknown) =>
      String(text ?? '')
        .split(', ')
        .filter((part) => part !== '');
    switch (row.operation) {
      case 'ssm:CreateDocument':
        documents.set(name, {
          versions: new Map([[1, String(detail.hash)]]),
          shares: new Set(),
          tags: new Map([['from', 'the beginning']]),
          standard: 1,
        });
        break;
      case 'ssm:UpdateDocument':
        document?.versions.set(Number(detail.version), String(detail.hash));
        break;
      case 'ssm:UpdateDocumentDefaultVersion':
        if (document) document.standard = Number(detail.version);
        break;
      case 'ssm:DeleteDocument':
        if (detail.version === undefined) documents.delete(name);
        else document?.versions.delete(Number(detail.version));
        break;
      case 'ssm:ModifyDocumentPermission':
        for (const account of parts(detail.removed)) document?.shares.delete(account);
        for (const account of parts(detail.added)) document?.shares.add(account);
        break;
      case 'ssm:AddTagsToResource':
        for (const tag of parts(detail.added)) {
          const [key = '', value = ''] = tag.split('=');
          document?.tags.set(key, value);
        }
        break;
      default:
    }
  }
  return new Map([...documents].map(([name, one]) => [name, inWords(one)]));
}

function inWords({ versions, shares, tags, standard }: Told): string {
  return JSON.stringify([[...versions].sort(), [...shares].sort(), [...tags].sort(), standard]);
}

/** What is wrong, one sentence each. */
export function documentProblems(tables: DocumentTables): string[] {
  const expected = told(tables.audit);
  const problems: string[] = [];
  const stored = new Set(tables.documents.map((row) => String(row.name)));
  for (const name of expected.keys()) if (!stored.has(name)) problems.push(`document ${name} isn't there`);
  for (const row of tables.documents) {
    const of = (rows: readonly Row[], key = 'name') => rows.filter((one) => one[key] === row.name);
    const versions = of(tables.versions).map((one): [number, string] => [
      Number(one.version),
      String(one.hash),
    ]);
    const tags = of(tables.tags, 'resource_id').filter((one) => one.resource_type === 'Document');
    const found = inWords({
      versions: new Map(versions),
      shares: new Set(of(tables.shares).map((one) => String(one.account_id))),
      tags: new Map(tags.map((one) => [String(one.key), String(one.value)])),
      standard: Number(row.default_version),
    });
    const words = expected.get(String(row.name));
    if (words !== found) problems.push(`document ${row.name} is ${found}, by the audit trail ${words}`);
  }
  for (const row of [...tables.versions, ...tables.shares]) {
    if (!stored.has(String(row.name))) problems.push(`half of document ${row.name}`);
  }
  for (const row of tables.tags) {
    if (row.resource_type === 'Document' && !stored.has(String(row.resource_id)))
      problems.push(`tags of document ${row.resource_id}, which isn't there`);
  }
  return problems;
}
