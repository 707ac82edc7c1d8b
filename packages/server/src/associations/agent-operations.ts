/** What agents call on their own: fetch associations, report on them, hand in inventory and compliance. */
import type { PutComplianceItemsRequest, PutInventoryRequest } from '@aws-sdk/client-ssm';
import type {
  ListInstanceAssociationsInput,
  ListInstanceAssociationsOutput,
  UpdateInstanceAssociationStatusInput,
} from '@rollcall/wire';
import { type AnyOperation, operation, Refusal } from '../service/index.ts';
import type { Store } from '../store/index.ts';
import { updateStatus } from './queries.ts';

const longestSummary = 512;
const longestCode = 10;

/** Declares them. Routine: none leaves an audit row. */
export function agentOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<ListInstanceAssociationsInput, ListInstanceAssociationsOutput>({
      service: 'ssm',
      name: 'ListInstanceAssociations',
      access: { by: 'own-node', action: 'ssm:ListInstanceAssociations', node: (input) => input.InstanceId },
      changes: false,
      // Nothing is given to agents to run in this release; an error would send the official one to the
      // legacy calls on each poll.
      handle: async () => ({ Associations: [] }),
    }),
    operation<UpdateInstanceAssociationStatusInput, object>({
      service: 'ssm',
      name: 'UpdateInstanceAssociationStatus',
      access: {
        by: 'own-node',
        action: 'ssm:UpdateInstanceAssociationStatus',
        node: (input) => input.InstanceId,
      },
      changes: false,
      async handle(call, input) {
        const result = input.ExecutionResult;
        await store.write(async (tx) => {
          const stored = await updateStatus(tx, call.region, input.InstanceId, input.AssociationId, {
            status: result.Status,
            detailed_status: result.Status,
            execution_date: result.ExecutionDate.getTime(),
            execution_summary: result.ExecutionSummary?.slice(0, longestSummary) || null,
            error_code: result.ErrorCode?.slice(0, longestCode) || null,
          });
          if (!stored) {
            throw new Refusal('AssociationDoesNotExist', 'The specified association does not exist.');
          }
        });
        return {};
      },
    }),
    operation<PutInventoryRequest, never>({
      service: 'ssm',
      name: 'PutInventory',
      access: { by: 'own-node', action: 'ssm:PutInventory', node: (input) => input.InstanceId ?? '' },
      changes: false,
      handle: async () => {
        throw notServed('PutInventory');
      },
    }),
    operation<PutComplianceItemsRequest, never>({
      service: 'ssm',
      name: 'PutComplianceItems',
      access: { by: 'own-node', action: 'ssm:PutComplianceItems', node: (input) => input.ResourceId ?? '' },
      changes: false,
      handle: async () => {
        throw notServed('PutComplianceItems');
      },
    }),
  ];
}

/**
 * Neither is served in this release, and saying yes would be a lie. Official agent 3.3 doesn't count this
 * code of PutComplianceItems as an error; of PutInventory any error only fails the inventory run.
 */
function notServed(name: string): Refusal {
  return new Refusal('UnknownOperationException', `${name} is not served in this release.`);
}
