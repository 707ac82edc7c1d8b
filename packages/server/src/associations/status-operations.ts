/** What operators ask: how far a node has come with its associations, and which there are. */
import type {
  Association,
  AssociationDescription,
  DescribeAssociationRequest,
  DescribeAssociationResult,
  DescribeInstanceAssociationsStatusRequest,
  DescribeInstanceAssociationsStatusResult,
  InstanceAssociationStatusInfo,
  ListAssociationsRequest,
  ListAssociationsResult,
} from '@aws-sdk/client-ssm';
import { isNodeId, nodeArn } from '../nodes/index.ts';
import {
  type AnyOperation,
  dateOf,
  operation,
  present,
  Refusal,
  readToken,
  writeToken,
} from '../service/index.ts';
import type { AssociationsRow, Store } from '../store/index.ts';
import {
  type AssociationKey,
  type NodeAssociation,
  nodeAssociations,
  regionAssociations,
} from './queries.ts';

/** Declares them. */
export function statusOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<DescribeInstanceAssociationsStatusRequest, DescribeInstanceAssociationsStatusResult>({
      service: 'ssm',
      name: 'DescribeInstanceAssociationsStatus',
      access: {
        by: 'policy',
        action: 'ssm:DescribeInstanceAssociationsStatus',
        resources: (input, call) => [nodeArn(call.region, call.account, input.InstanceId ?? '')],
      },
      changes: false,
      async handle(call, input) {
        const nodeId = input.InstanceId ?? '';
        if (!isNodeId(nodeId)) throw new Refusal('InvalidInstanceId', `Not a managed node ID: ${nodeId}`);
        const size = input.MaxResults ?? 50;
        const question = [call.operation, call.region, nodeId];
        const after = readToken<AssociationKey>(question, input.NextToken, ['', '']);
        const rows = await store.read((tx) => nodeAssociations(tx, call.region, nodeId, after, size + 1));
        const last = rows[size - 1];
        return {
          InstanceAssociationStatusInfos: rows.slice(0, size).map(statusInfo),
          ...(rows.length > size &&
            last && { NextToken: writeToken(question, [last.name, last.association_id]) }),
        };
      },
    }),
    operation<ListAssociationsRequest, ListAssociationsResult>({
      service: 'ssm',
      name: 'ListAssociations',
      access: { by: 'policy', action: 'ssm:ListAssociations', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const filters = input.AssociationFilterList ?? [];
        const all = await store.read((tx) => regionAssociations(tx, call.region));
        const rows = all.filter((row) => filters.every((one) => holds(row, one.key ?? '', one.value ?? '')));
        const size = input.MaxResults ?? 50;
        const question = [call.operation, call.region, filters];
        const after = readToken<AssociationKey>(question, input.NextToken, ['', '']);
        const rest = after ? rows.filter((row) => isAfter(row, after)) : rows;
        const last = rest[size - 1];
        return {
          Associations: rest.slice(0, size).map(association),
          ...(rest.length > size &&
            last && { NextToken: writeToken(question, [last.name, last.association_id]) }),
        };
      },
    }),
    operation<DescribeAssociationRequest, DescribeAssociationResult>({
      service: 'ssm',
      name: 'DescribeAssociation',
      access: { by: 'policy', action: 'ssm:DescribeAssociation', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const all = await store.read((tx) => regionAssociations(tx, call.region));
        // By name and node there is none: both associations are of the whole region.
        const row = all.find((one) => one.association_id === input.AssociationId);
        if (!row) throw new Refusal('AssociationDoesNotExist', 'The specified association does not exist.');
        return { AssociationDescription: describe(row) };
      },
    }),
  ];
}

/** A row as the check for a finished registration expects it: members that it doesn't have are absent. */
function statusInfo(row: NodeAssociation): InstanceAssociationStatusInfo {
  return present<InstanceAssociationStatusInfo>({
    AssociationId: row.association_id,
    Name: row.name,
    DocumentVersion: row.document_version,
    AssociationVersion: row.association_version,
    InstanceId: row.node_id,
    ExecutionDate: dateOf(row.execution_date),
    Status: row.status,
    DetailedStatus: row.detailed_status,
    ExecutionSummary: row.execution_summary,
    ErrorCode: row.error_code,
    AssociationName: row.association_name,
  });
}

function holds(row: AssociationsRow, key: string, value: string): boolean {
  switch (key) {
    case 'AssociationId':
      return row.association_id === value;
    case 'AssociationName':
      return row.association_name === value;
    case 'Name':
      return row.name === value;
    // Associations that were made for one node by its id: there are none. The official agent asks so
    // when it couldn't list its associations the newer way.
    default:
      return false;
  }
}

function isAfter(row: AssociationsRow, [name, id]: AssociationKey): boolean {
  return row.name > name || (row.name === name && row.association_id > id);
}

function association(row: AssociationsRow): Association {
  return present<Association>({
    Name: row.name,
    AssociationId: row.association_id,
    AssociationVersion: row.association_version,
    DocumentVersion: row.document_version,
    AssociationName: row.association_name,
    Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
  });
}

function describe(row: AssociationsRow): AssociationDescription {
  return present<AssociationDescription>({
    Name: row.name,
    AssociationId: row.association_id,
    AssociationVersion: row.association_version,
    DocumentVersion: row.document_version,
    AssociationName: row.association_name,
    Date: new Date(row.created_at),
    Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
  });
}
