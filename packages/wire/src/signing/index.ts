/** Signature Version 4: canonical form, reading, signing, and the RSA form of managed nodes. */
export * from './authorization.ts';
export {
  algorithm,
  amzDate,
  type CredentialScope,
  canonicalRequest,
  type HttpRequestParts,
  hmacSignature,
  parseAmzDate,
  scopeText,
  sha256Hex,
  signingKey,
  stringToSign,
  timingSafeEqualHex,
} from './canonical.ts';
export {
  parseAsymmetricAuthorization,
  readPublicKey,
  rsaSignature,
  signWithKeyPair,
  verifyRsaSignature,
} from './rsa.ts';
export { type Credentials, presignUrl, type RequestToSign, signRequest } from './sign.ts';
