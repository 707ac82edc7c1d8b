/** What lists of documents can be asked for: both of AWS's forms, read into one kind of condition. */
import type { ListDocumentsRequest } from '@aws-sdk/client-ssm';
import { Refusal } from '../service/index.ts';
import type { VersionHead } from './queries.ts';

/** What a condition looks at. */
export type Field = 'name' | 'owner' | 'platform' | 'type' | 'targetType' | 'keyword' | `tag:${string}`;

/** A document is in the list when all conditions hold; a condition holds when one of its values does. */
export interface Condition {
  readonly field: Field;
  readonly values: readonly string[];
}

const legacyKeys: Readonly<Record<string, Field>> = {
  Name: 'name',
  Owner: 'owner',
  PlatformTypes: 'platform',
  DocumentType: 'type',
};

const keys: Readonly<Record<string, Field>> = {
  ...legacyKeys,
  SearchKeyword: 'keyword',
  TargetType: 'targetType',
};

/** Whose documents: `Public` are Amazon's, and ours that are shared with all accounts. */
const owners = ['All', 'Amazon', 'Private', 'Public', 'Self', 'ThirdParty'];

/** Reads the filters of `ListDocuments`. */
export function listConditions(input: ListDocumentsRequest): Condition[] {
  const legacy = input.DocumentFilterList ?? [];
  const filters = input.Filters ?? [];
  if (legacy.length > 0 && filters.length > 0) {
    throw new Refusal(
      'ValidationException',
      'Filters and DocumentFilterList are two forms of the same: use one of them.',
    );
  }
  return [
    ...legacy.map((one) => condition(legacyKeys, one.key, [one.value ?? ''])),
    ...filters.map((one) => condition(keys, one.Key, one.Values ?? [])),
  ];
}

function condition(known: Readonly<Record<string, Field>>, key = '', values: readonly string[]): Condition {
  const isTag = known === keys && key.startsWith('tag:') && key.length > 'tag:'.length;
  const field = isTag ? (key as Field) : Object.hasOwn(known, key) ? known[key] : undefined;
  if (field === undefined) {
    const list = Object.keys(known).join(', ');
    throw new Refusal('InvalidFilterKey', `The specified key is not valid: ${key}. Known: ${list}.`);
  }
  if (values.length === 0) throw new Refusal('ValidationException', `The filter ${key} has no values.`);
  if (field === 'owner') {
    const wrong = values.find((one) => !owners.includes(one));
    if (wrong !== undefined) {
      throw new Refusal(
        'ValidationException',
        `Owner can be ${owners.join(', ')}; not ${JSON.stringify(wrong)}.`,
      );
    }
  }
  return { field, values };
}

/** Whether one of the documents that every installation has is in the list. */
export function builtInFits(head: VersionHead, conditions: readonly Condition[]): boolean {
  const platforms: readonly string[] = JSON.parse(head.platform_types);
  return conditions.every(({ field, values }) =>
    values.some((value) => {
      switch (field) {
        case 'name':
          return head.name.startsWith(value);
        case 'owner':
          return value === 'Amazon' || value === 'Public' || value === 'All';
        case 'platform':
          return platforms.includes(value);
        case 'type':
          return value === 'Command';
        case 'keyword':
          return head.name.toLowerCase().includes(value.toLowerCase());
        default:
          // They have no target type and no tags.
          return false;
      }
    }),
  );
}
