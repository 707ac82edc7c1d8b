/**
 * The RSA form: a node proves that it holds the key pair it registered. It opens token requests and key
 * rotation, nothing else, and its refusals never tell whether there is such a node.
 */
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { verifyRsaSignature } from '@rollcall/wire';
import * as no from './no.ts';

/** A node as identity needs it. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly region: string;
  /** The current key, and the previous one while its grace lasts. */
  readonly publicKeys: readonly KeyObject[];
  readonly epoch: number;
  readonly roleName: string;
  readonly registered: boolean;
}

/** Finds a node, registered or a tombstone; cached by who gives it, for at most two seconds. */
export type FindNode = (nodeId: string) => Promise<NodeIdentity | undefined>;

/** A key that nobody holds, so that an unknown node takes as long to refuse as a known one. */
let nobodysKey: KeyObject | undefined;

/** Answers the node whose key made the signature, and which of its keys that is; or refuses. */
export async function verifyNodeKey(
  findNode: FindNode,
  nodeId: string,
  text: string,
  signature: string,
): Promise<{ readonly node: NodeIdentity; readonly key: KeyObject }> {
  const node = /^mi-[0-9a-f]{17}$/.test(nodeId) ? await findNode(nodeId) : undefined;
  if (!node) {
    nobodysKey ??= keyOfNobody();
    verifyRsaSignature(nobodysKey, text, signature);
    throw no.unknownNode(nodeId, 'unknown-node');
  }
  const key = node.publicKeys.find((one) => verifyRsaSignature(one, text, signature));
  if (!key) throw no.unknownNode(nodeId, 'node-signature-mismatch');
  if (!node.registered) throw no.unknownNode(nodeId, 'node-deregistered');
  return { node, key };
}

function keyOfNobody(): KeyObject {
  const modulus = randomBytes(256);
  modulus[0]! |= 0x80;
  modulus[255]! |= 1;
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' };
  return createPublicKey({ key: jwk, format: 'jwk' });
}
