/** What a node does with the key pair that it registered: get credentials, and put another key in its place. */
import type { KeyObject } from 'node:crypto';
import type {
  RequestManagedInstanceRoleTokenInput,
  RequestManagedInstanceRoleTokenOutput,
  UpdateManagedInstancePublicKeyInput,
  UpdateManagedInstancePublicKeyOutput,
} from '@rollcall/wire';
import { recordAudit } from '../audit/index.ts';
import { type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { KnownNode } from './books.ts';
import type { NodesCore } from './core.ts';
import { notExisting } from './heartbeat.ts';
import { nodeArn, readPublicKey } from './node.ts';
import { registeredRow, updateRegistered } from './queries.ts';

/** Declares both operations. */
export function keyOperations(core: NodesCore): readonly AnyOperation[] {
  return [
    operation<RequestManagedInstanceRoleTokenInput, RequestManagedInstanceRoleTokenOutput>({
      service: 'ssm',
      name: 'RequestManagedInstanceRoleToken',
      access: { by: 'node-key' },
      // Nothing is stored: the credentials carry themselves. Routine, so no audit row.
      changes: false,
      async handle(call, input) {
        const node = await callingNode(core, call);
        if (input.Fingerprint !== node.row.fingerprint) {
          throw new Refusal(
            'MachineFingerprintDoesNotMatch',
            'The machine fingerprint does not match the one that the node registered with.',
            { knock: { reason: 'fingerprint-changed', claim: node.row.node_id } },
          );
        }
        const { nodeId, region, epoch, roleName } = node.identity;
        const credentials = await core.mintNodeCredentials({ nodeId, region, epoch, roleName });
        return {
          AccessKeyId: credentials.accessKeyId,
          SecretAccessKey: credentials.secretAccessKey,
          SessionToken: credentials.sessionToken,
          TokenExpirationDate: new Date(credentials.expiresAt),
          UpdateKeyPair: false,
        };
      },
    }),
    operation<UpdateManagedInstancePublicKeyInput, UpdateManagedInstancePublicKeyOutput>({
      service: 'ssm',
      name: 'UpdateManagedInstancePublicKey',
      access: { by: 'node-key' },
      changes: true,
      async handle(call, input) {
        const { node_id: nodeId } = (await callingNode(core, call)).row;
        const key = readPublicKey(input.NewPublicKey, input.NewPublicKeyType);
        if (!key) throw invalidPublicKey();
        const signer = signedWith(call);
        await core.store.write(async (tx) => {
          const row = await registeredRow(tx, call.region, nodeId);
          if (!row) throw notExisting(nodeId);
          // The same once more is a retry after a lost answer; it must not push out the previous key.
          if (row.public_key === input.NewPublicKey) return;
          await updateRegistered(tx, call.region, nodeId, {
            public_key: input.NewPublicKey,
            public_key_type: input.NewPublicKeyType,
            // An agent that lost our answer holds the key that it signed with, and maybe no other: it stays good
            // however many answers are lost. The key that was on its way to such an agent nobody may hold.
            previous_public_key: !signer || signer.equals(key) ? row.public_key : encoded(signer),
            previous_key_until: call.at + core.keyGrace(),
          });
          await recordAudit(tx, call, { resource: nodeArn(call.region, call.account, nodeId) });
          tx.afterCommit(() => core.books.forget(nodeId));
        });
        return {};
      },
    }),
  ];
}

/** The key that this very call was signed with. */
function signedWith({ principal }: Call): KeyObject | undefined {
  return principal.kind === 'node' ? principal.key : undefined;
}

/** As agents send it. */
function encoded(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}

/** The key isn't one that a node can register. */
export function invalidPublicKey(): Refusal {
  return new Refusal(
    'InvalidPublicKey',
    'The public key must be an RSA key of 2048 to 8192 bits, as base64 of a DER SubjectPublicKeyInfo.',
  );
}

async function callingNode(core: NodesCore, call: Call): Promise<KnownNode> {
  if (call.principal.kind !== 'node') {
    throw new Refusal('AccessDeniedException', 'Only a node can call this, with the key that it registered.');
  }
  const { nodeId } = call.principal;
  const node = await core.books.find(nodeId);
  if (!node?.identity.registered || node.row.region !== call.region) throw notExisting(nodeId);
  return node;
}
