/**
 * What lists of nodes can be asked for. Both forms of both of AWS's operations are read into one kind of
 * condition; `list-query.ts` turns that into SQL.
 */
import type {
  DescribeInstanceInformationRequest,
  DescribeInstancePropertiesRequest,
  InstancePropertyFilterOperator,
} from '@aws-sdk/client-ssm';
import { Refusal } from '../service/index.ts';
import { isNodeId } from './node.ts';

/** What a condition looks at. */
export type Field =
  | 'nodeId'
  | 'agentVersion'
  | 'pingStatus'
  | 'platformType'
  | 'platformName'
  | 'platformVersion'
  | 'activationId'
  | 'iamRole'
  | 'resourceType'
  | 'sourceType'
  | 'associationStatus'
  | 'computerName'
  | 'ipAddress'
  | 'name'
  /** Its id, its given name or its computer name. */
  | 'called'
  /** The document of that name serves its platform. */
  | 'document'
  | 'tagKey'
  | `tag:${string}`;

/** A node is in the list when all its conditions hold; a condition holds when one of its values does. */
export interface Condition {
  readonly field: Field;
  readonly operator: InstancePropertyFilterOperator;
  readonly values: readonly string[];
}

/** Keys of `Filters`, as `DescribeInstanceInformation` knows them. */
const informationKeys: Readonly<Record<string, Field>> = {
  ActivationIds: 'activationId',
  AgentVersion: 'agentVersion',
  AssociationStatus: 'associationStatus',
  IamRole: 'iamRole',
  InstanceIds: 'nodeId',
  PingStatus: 'pingStatus',
  PlatformType: 'platformType',
  ResourceType: 'resourceType',
  SourceIds: 'nodeId',
  SourceTypes: 'sourceType',
  'tag-key': 'tagKey',
};

/** The old form says `PlatformTypes` for the same. */
const legacyKeys: Readonly<Record<string, Field>> = {
  ActivationIds: 'activationId',
  AgentVersion: 'agentVersion',
  AssociationStatus: 'associationStatus',
  IamRole: 'iamRole',
  InstanceIds: 'nodeId',
  PingStatus: 'pingStatus',
  PlatformTypes: 'platformType',
  ResourceType: 'resourceType',
};

const legacyPropertyKeys: Readonly<Record<string, Field>> = { ...legacyKeys, DocumentName: 'document' };

const propertyKeys: Readonly<Record<string, Field>> = {
  ...informationKeys,
  ...legacyPropertyKeys,
  ComputerName: 'computerName',
  IPAddress: 'ipAddress',
  Name: 'name',
  PlatformName: 'platformName',
  PlatformVersion: 'platformVersion',
};

const enumerations: Partial<Record<Field, readonly string[]>> = {
  pingStatus: ['Online', 'ConnectionLost', 'Inactive'],
  platformType: ['Windows', 'Linux', 'MacOS'],
  resourceType: ['EC2Instance', 'ManagedInstance'],
  associationStatus: ['Success', 'Pending', 'Failed'],
  sourceType: ['AWS::EC2::Instance', 'AWS::SSM::ManagedInstance', 'AWS::IoT::Thing'],
};

/** Reads the filters of `DescribeInstanceInformation`. */
export function informationConditions(input: DescribeInstanceInformationRequest): Condition[] {
  const legacy = input.InstanceInformationFilterList ?? [];
  const filters = input.Filters ?? [];
  if (legacy.length > 0 && filters.length > 0) {
    throw new Refusal(
      'ValidationException',
      'Filters and InstanceInformationFilterList are two forms of the same: use one of them.',
    );
  }
  const bad = 'InvalidInstanceInformationFilterValue';
  const conditions = [
    ...legacy.map((one) => condition(legacyKeys, one.key, 'Equal', one.valueSet, bad)),
    ...filters.map((one) => condition(informationKeys, one.Key, 'Equal', one.Values, bad)),
  ];
  if (conditions.some(isTag) && !conditions.every(isTag)) {
    throw new Refusal('InvalidFilterKey', 'Tag filters cannot be combined with other filters.');
  }
  return conditions;
}

/** Reads the filters of `DescribeInstanceProperties`. */
export function propertyConditions(input: DescribeInstancePropertiesRequest): Condition[] {
  const legacy = input.InstancePropertyFilterList ?? [];
  const filters = input.FiltersWithOperator ?? [];
  if (legacy.length > 0 && filters.length > 0) {
    throw new Refusal(
      'ValidationException',
      'FiltersWithOperator and InstancePropertyFilterList are two forms of the same: use one of them.',
    );
  }
  const bad = 'InvalidInstancePropertyFilterValue';
  return [
    ...legacy.map((one) => condition(legacyPropertyKeys, one.key, 'Equal', one.valueSet, bad)),
    ...filters.map((one) => condition(propertyKeys, one.Key, one.Operator ?? 'Equal', one.Values, bad)),
  ];
}

function isTag(condition: Condition): boolean {
  return condition.field === 'tagKey' || condition.field.startsWith('tag:');
}

/**
 * The conditions with documents replaced by the platforms that they serve, as `platformsOf` says. Several
 * documents serve a node when one of them does.
 */
export async function withPlatforms(
  conditions: readonly Condition[],
  platformsOf: (document: string) => Promise<readonly string[]>,
): Promise<Condition[]> {
  const all: Condition[] = [];
  for (const condition of conditions) {
    if (condition.field !== 'document') {
      all.push(condition);
      continue;
    }
    const values = new Set<string>();
    for (const document of condition.values) {
      for (const platform of await platformsOf(document)) values.add(platform);
    }
    all.push({ field: 'platformType', operator: 'Equal', values: [...values] });
  }
  return all;
}

function condition(
  keys: Readonly<Record<string, Field>>,
  key = '',
  operator: InstancePropertyFilterOperator,
  values: readonly string[] = [],
  badValue: string,
): Condition {
  const field = fieldOf(keys, key);
  const allowed = enumerations[field];
  if (allowed) {
    const wrong = values.find((value) => !allowed.includes(value));
    if (wrong !== undefined) {
      throw new Refusal(badValue, `${key} can be ${allowed.join(', ')}; not ${JSON.stringify(wrong)}.`);
    }
  }
  if (field === 'nodeId' && (operator === 'Equal' || operator === 'NotEqual')) {
    const wrong = values.find((value) => !isNodeId(value));
    if (wrong !== undefined) {
      throw new Refusal('InvalidInstanceId', `Not a managed node ID: ${JSON.stringify(wrong)}`);
    }
  }
  if (field === 'document' && operator !== 'Equal') {
    throw new Refusal(badValue, `${key} can only be compared with Equal.`);
  }
  if (
    (operator === 'LessThan' || operator === 'GreaterThan') &&
    field !== 'agentVersion' &&
    field !== 'platformVersion'
  ) {
    throw new Refusal(
      badValue,
      `${operator} compares versions: AgentVersion or PlatformVersion; not ${key}.`,
    );
  }
  return { field, operator, values };
}

function fieldOf(keys: Readonly<Record<string, Field>>, key: string): Field {
  const knowsTags = 'tag-key' in keys;
  if (key.startsWith('tag:') && key.length > 4 && knowsTags) return key as Field;
  const field = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (field) return field;
  throw new Refusal('InvalidFilterKey', `The specified key is not valid: ${key}`);
}
