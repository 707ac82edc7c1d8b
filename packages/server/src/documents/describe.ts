/** Documents in AWS's shapes. */
import type {
  DocumentDescription,
  DocumentIdentifier,
  DocumentParameter,
  DocumentVersionInfo,
  Tag,
} from '@aws-sdk/client-ssm';
import type { CommandDocument } from '@rollcall/documents';
import { dateOf, present } from '../service/index.ts';
import { isBuiltIn } from './built-in.ts';
import type { VersionHead } from './queries.ts';

/** The owner as lists show it. */
function ownerOf(name: string, account: string): string {
  return isBuiltIn(name) ? 'Amazon' : account;
}

/** What all shapes of a version have. */
function common(head: VersionHead) {
  return {
    Name: head.name,
    DisplayName: head.display_name,
    VersionName: head.version_name,
    DocumentVersion: String(head.version),
    CreatedDate: dateOf(head.created_at),
    DocumentFormat: head.format,
  };
}

/** A version with all that is said about it. */
export function documentDescription(
  head: VersionHead,
  document: CommandDocument,
  tags: readonly Tag[],
  account: string,
): DocumentDescription {
  const parameters = Object.entries(document.parameters);
  return present<DocumentDescription>({
    ...common(head),
    Hash: head.hash,
    HashType: 'Sha256',
    Owner: ownerOf(head.name, account),
    Author: head.created_by,
    Status: 'Active',
    Description: document.description,
    Parameters: parameters.length > 0 ? parameters.map(parameter) : undefined,
    PlatformTypes: JSON.parse(head.platform_types),
    DocumentType: 'Command',
    SchemaVersion: head.schema_version,
    LatestVersion: String(head.latest_version),
    DefaultVersion: String(head.default_version),
    TargetType: head.target_type,
    Tags: [...tags],
  });
}

function parameter([name, declared]: [string, CommandDocument['parameters'][string]]): DocumentParameter {
  const { default: value } = declared;
  return present<DocumentParameter>({
    Name: name,
    // The client's types know only two of the six.
    Type: declared.type as DocumentParameter['Type'],
    Description: declared.description,
    DefaultValue: value === undefined || typeof value === 'string' ? value : JSON.stringify(value),
  });
}

/** A document as a line of a list. */
export function documentIdentifier(
  head: VersionHead,
  tags: readonly Tag[],
  account: string,
): DocumentIdentifier {
  return present<DocumentIdentifier>({
    ...common(head),
    Owner: ownerOf(head.name, account),
    Author: head.created_by,
    PlatformTypes: JSON.parse(head.platform_types),
    DocumentType: 'Command',
    SchemaVersion: head.schema_version,
    TargetType: head.target_type,
    Tags: [...tags],
  });
}

/** A version as a line of a list. */
export function versionInfo(head: VersionHead): DocumentVersionInfo {
  return present<DocumentVersionInfo>({
    ...common(head),
    IsDefaultVersion: head.version === head.default_version,
    Status: 'Active',
  });
}
