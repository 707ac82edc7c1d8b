/** Which hash of the body goes under the signature. */
import { type HttpRequestParts, type SignedRequest, sha256Hex } from '@rollcall/wire';
import * as no from './no.ts';

const header = 'x-amz-content-sha256';

/**
 * The hash to verify with: of the body as it came. What the client says about it counts only when it is
 * signed (the official agent sends it unsigned), and then must be true.
 */
export function checkPayload(
  parts: HttpRequestParts,
  signed: SignedRequest,
  body: Uint8Array | string,
  claim: no.Claim,
): string {
  const hash = sha256Hex(body);
  const stated = parts.headers[header];
  if (stated === undefined || !signed.authorization.signedHeaders.includes(header)) return hash;
  if (stated === hash) return hash;
  const openly = stated === 'UNSIGNED-PAYLOAD' && signed.form === 'presigned' && parts.method === 'GET';
  if (openly && body.length === 0) return stated;
  throw no.mismatch(claim, 'payload-mismatch');
}
