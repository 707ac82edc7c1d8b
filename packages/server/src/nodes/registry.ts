/** How nodes come and go: registering, deregistering (a tombstone stays), restoring, changing the role. */
import type {
  DeregisterManagedInstanceRequest,
  DeregisterManagedInstanceResult,
  Tag,
  UpdateManagedInstanceRoleRequest,
  UpdateManagedInstanceRoleResult,
} from '@aws-sdk/client-ssm';
import type { RestoreNodeInput } from '@rollcall/wire';
import { principalName, recordAudit } from '../audit/index.ts';
import { type Access, type AnyOperation, operation, Refusal } from '../service/index.ts';
import type { WriteTx } from '../store/index.ts';
import type { NodesCore } from './core.ts';
import { newNodeId, nodeArn } from './node.ts';
import { registeredRow, updateRegistered } from './queries.ts';

/** A node that registers by an activation. */
export interface NewNode {
  readonly region: string;
  readonly activationId: string;
  readonly iamRole: string;
  readonly name: string | null;
  /** Base64 of a DER SubjectPublicKeyInfo; checked. */
  readonly publicKey: string;
  readonly publicKeyType: string;
  readonly fingerprint: string;
  readonly tags: readonly Tag[];
  readonly at: number;
}

/** Makes the node in the caller's transaction; answers its id. */
export async function registerNode(core: NodesCore, tx: WriteTx, node: NewNode): Promise<string> {
  const nodeId = newNodeId();
  await tx
    .in(node.region)
    .insertInto('nodes')
    .values({
      node_id: nodeId,
      registered_at: node.at,
      activation_id: node.activationId,
      iam_role: node.iamRole,
      name: node.name,
      public_key: node.publicKey,
      public_key_type: node.publicKeyType,
      previous_public_key: null,
      previous_key_until: null,
      fingerprint: node.fingerprint,
      epoch: 0,
      agent_name: null,
      agent_version: null,
      platform_type: null,
      platform_name: null,
      platform_version: null,
      ip_address: null,
      computer_name: null,
      availability_zone: null,
      trusts: null,
      sightings: '[]',
      clone_seen_at: null,
      deregistered_at: null,
      deregistered_by: null,
    })
    .execute();
  await core.presence.registered(tx, node.region, nodeId);
  await core.tags.put(tx, node.region, 'ManagedInstance', nodeId, node.tags);
  await core.hooks.registered?.(tx, { region: node.region, nodeId });
  return nodeId;
}

/** Declares the operations that change whether a node is there. */
export function registryOperations(core: NodesCore): readonly AnyOperation[] {
  const { store } = core;
  function access<I extends { InstanceId?: string | undefined }>(action: string): Access<I> {
    return {
      by: 'policy',
      action,
      resources: (input, call) => [nodeArn(call.region, call.account, input.InstanceId ?? '')],
    };
  }

  return [
    operation<DeregisterManagedInstanceRequest, DeregisterManagedInstanceResult>({
      service: 'ssm',
      name: 'DeregisterManagedInstance',
      access: access('ssm:DeregisterManagedInstance'),
      changes: true,
      async handle(call, input) {
        const nodeId = input.InstanceId ?? '';
        await store.write(async (tx) => {
          const row = await registeredRow(tx, call.region, nodeId);
          if (!row) throw notRegistered(nodeId);
          await updateRegistered(tx, call.region, nodeId, {
            deregistered_at: call.at,
            deregistered_by: principalName(call.principal),
            epoch: row.epoch + 1,
          });
          await core.hooks.gone?.(tx, { region: call.region, nodeId });
          await recordAudit(tx, call, { resource: nodeArn(call.region, call.account, nodeId) });
          tx.afterCommit(() => core.books.forget(nodeId));
        });
        return {};
      },
    }),
    operation<RestoreNodeInput, object>({
      service: 'rollcall',
      name: 'RestoreNode',
      access: access('rollcall:RestoreNode'),
      changes: true,
      async handle(call, input) {
        const nodeId = input.InstanceId;
        await store.write(async (tx) => {
          const restored = await tx
            .in(call.region)
            .updateTable('nodes')
            // Credentials from before are good again for what is left of their hour: the official agent
            // (3.3.0.0) asks for new ones only at half of it, and hibernates when it is restarted with void ones.
            .set((row) => ({ deregistered_at: null, deregistered_by: null, epoch: row('epoch', '-', 1) }))
            .where('node_id', '=', nodeId)
            .where('deregistered_at', 'is not', null)
            .executeTakeFirst();
          if (restored.numUpdatedRows === 0n) {
            if (await registeredRow(tx, call.region, nodeId)) return;
            throw new Refusal(
              'InvalidInstanceId',
              `No node was ever registered as ${nodeId} in ${call.region}.`,
            );
          }
          await core.hooks.registered?.(tx, { region: call.region, nodeId });
          await recordAudit(tx, call, { resource: nodeArn(call.region, call.account, nodeId) });
          tx.afterCommit(() => core.books.forget(nodeId));
        });
        return {};
      },
    }),
    operation<UpdateManagedInstanceRoleRequest, UpdateManagedInstanceRoleResult>({
      service: 'ssm',
      name: 'UpdateManagedInstanceRole',
      access: access('ssm:UpdateManagedInstanceRole'),
      changes: true,
      async handle(call, input) {
        const nodeId = input.InstanceId ?? '';
        const role = input.IamRole ?? '';
        await store.write(async (tx) => {
          // Credentials that are out stay valid: the official agent asks for new ones at half their life,
          // and would be cut off until then.
          if (!(await updateRegistered(tx, call.region, nodeId, { iam_role: role }))) {
            throw notRegistered(nodeId);
          }
          await recordAudit(tx, call, {
            resource: nodeArn(call.region, call.account, nodeId),
            detail: { role },
          });
          tx.afterCommit(() => core.books.forget(nodeId));
        });
        return {};
      },
    }),
  ];
}

function notRegistered(nodeId: string): Refusal {
  return new Refusal(
    'InvalidInstanceId',
    nodeId.startsWith('i-')
      ? `${nodeId} isn't a hybrid node: nodes of EC2 are not served in this release.`
      : `${nodeId} isn't a managed node of this region.`,
  );
}
