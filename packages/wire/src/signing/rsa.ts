/**
 * The RSA form of Signature Version 4, by which a managed node proves that it holds the key pair it
 * registered: RSASSA-PSS over SHA-256 with a salt of 32 bytes, in base64, under the usual algorithm's name.
 */
import { constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { sha256Hex } from './canonical.ts';
import { type RequestToSign, signHeaders } from './sign.ts';

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

/** The base64 signature of a text. */
export function rsaSignature(privateKey: KeyObject, text: string): string {
  return sign('sha256', Buffer.from(text, 'latin1'), { key: privateKey, ...pss }).toString('base64');
}

/** Whether the holder of the key made this base64 signature of the text; false for whatever isn't one. */
export function verifyRsaSignature(publicKey: KeyObject, text: string, signature: string): boolean {
  try {
    return verify(
      'sha256',
      Buffer.from(text, 'latin1'),
      { key: publicKey, ...pss },
      Buffer.from(signature, 'base64'),
    );
  } catch {
    return false;
  }
}

/** Signs a request as a managed node; returns all headers to send, under lower-case names. */
export function signWithKeyPair(
  request: RequestToSign & { nodeId: string; privateKey: KeyObject },
): Record<string, string> {
  // The official agent sends the hash but leaves it unsigned.
  const hash = { 'x-amz-content-sha256': sha256Hex(request.body ?? '') };
  return signHeaders(request, request.nodeId, hash, (text) => rsaSignature(request.privateKey, text));
}

/**
 * The signature in an `SSM-AsymmetricKeyAuthorization` header (EC2 instances under default host management
 * send it: the same kind of signature over the value of `Authorization`); undefined when it has none.
 */
export function parseAsymmetricAuthorization(header: string): string | undefined {
  return /^\s*Signature=([A-Za-z0-9+/=]{1,1400})\s*$/.exec(header)?.[1];
}

/**
 * Reads a public key as nodes send it: base64 of a DER SubjectPublicKeyInfo. Undefined unless it is an RSA
 * key of 2048 to 8192 bits.
 */
export function readPublicKey(base64: string): KeyObject | undefined {
  if (!/^[A-Za-z0-9+/\s]{300,4000}={0,2}\s*$/.test(base64)) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return key.asymmetricKeyType === 'rsa' && bits >= 2048 && bits <= 8192 ? key : undefined;
  } catch {
    return undefined;
  }
}
