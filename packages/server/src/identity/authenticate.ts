/**
 * Who makes this request? Verifies Signature Version 4 in its forms: access keys of users, temporary
 * credentials of nodes, and, for two operations only, the key pair that a node registered.
 */
import {
  canonicalRequest,
  type HttpRequestParts,
  hmacSignature,
  readSignature,
  SignatureFormatError,
  type SignedRequest,
  signingKey,
  stringToSign,
  timingSafeEqualHex,
} from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import type { Principal, Source } from '../service/index.ts';
import type { Accounts } from './accounts.ts';
import { Lru } from './lru.ts';
import * as no from './no.ts';
import { looksLikeOurs, type OpenedToken, type TokenOffice } from './node-credentials.ts';
import { type FindNode, verifyNodeKey } from './node-key.ts';
import { checkPayload } from './payload.ts';
import { type RawRequest, requestParts } from './request-parts.ts';
import { checkWindow } from './window.ts';

/** The names that clients sign for. */
export type SigningName = 'ssm' | 'ssmmessages' | 'ec2messages' | 'rollcall';

/** A request that somebody signed. */
export interface AuthenticationRequest {
  readonly request: RawRequest;
  readonly body: Uint8Array | string;
  /** Whose operation it calls; the signature must be made for it. */
  readonly service: SigningName;
  /** True only for the operations that a node signs with its registered key pair. */
  readonly nodeKeyAllowed: boolean;
  readonly source?: Source;
  /** When it arrived, milliseconds since the epoch; now when left out. */
  readonly at?: number;
}

/** Who it is, and the region it was signed for. */
export interface Authenticated {
  readonly principal: Principal;
  readonly region: string;
  readonly service: SigningName;
}

/** What authentication needs. */
export interface AuthenticationDeps {
  readonly clock: Clock;
  readonly account: string;
  readonly regions: readonly string[];
  readonly accounts: Accounts;
  readonly tokens: TokenOffice;
  readonly findNode: FindNode;
}

const mostKeysKept = 50_000;

/** Makes the function that authenticates requests; every refusal it throws carries a knock. */
export function authenticator(deps: AuthenticationDeps) {
  /** The keys as text (Latin 1): thousands are kept, and a buffer is ten times as large as the 32 bytes in it. */
  const derivedKeys = new Lru<{ readonly secret: string; readonly key: string }>(mostKeysKept);

  /** Derives a key, or remembers it: four hashes that are the same all day. */
  function keyFor(secret: string, { authorization }: SignedRequest): Buffer {
    const { accessKeyId, date, region, service } = authorization;
    const name = `${accessKeyId}/${date}/${region}/${service}`;
    const kept = derivedKeys.get(name);
    if (kept?.secret === secret) return Buffer.from(kept.key, 'latin1');
    const key = signingKey(secret, date, region, service);
    derivedKeys.set(name, { secret, key: key.toString('latin1') });
    return key;
  }
  function isSignedWith(secret: string, signed: SignedRequest, text: string): boolean {
    return timingSafeEqualHex(hmacSignature(keyFor(secret, signed), text), signed.authorization.signature);
  }

  async function user(signed: SignedRequest, text: string, claim: no.Claim): Promise<Principal> {
    const { accessKeyId } = signed.authorization;
    const key = await deps.accounts.findKey(accessKeyId);
    if (!key) throw no.foreignKey(claim);
    if (signed.sessionToken !== undefined) {
      if (looksLikeOurs(signed.sessionToken)) throw no.invalid('session-token-of-another-key', claim);
      throw no.foreignToken(claim);
    }
    const secret = key.secret();
    if (secret === undefined) throw no.invalid('secret-unreadable', claim);
    if (!isSignedWith(secret, signed, text)) throw no.mismatch(claim);
    if (!key.active) throw no.inactiveKey(claim);
    const { name } = key.account;
    return { kind: 'user', arn: `arn:aws:iam::${deps.account}:user/${name}`, name, accessKeyId };
  }

  function openToken(signed: SignedRequest, claim: no.Claim): OpenedToken {
    const { sessionToken, authorization } = signed;
    if (sessionToken === undefined) throw no.foreignKey(claim);
    const token = deps.tokens.open(sessionToken);
    if (!token) {
      if (looksLikeOurs(sessionToken)) throw no.invalid('broken-session-token', claim);
      throw no.foreignKey(claim);
    }
    if (token.accessKeyId !== authorization.accessKeyId)
      throw no.invalid('session-token-of-another-key', claim);
    return token;
  }
  async function node(signed: SignedRequest, text: string, claim: no.Claim, now: number): Promise<Principal> {
    const token = openToken(signed, claim);
    // The token is ours, so the claim is the node's; proved it is only with the signature.
    const itself = { claim: token.nodeId };
    if (!isSignedWith(token.secretAccessKey, signed, text)) throw no.mismatch(itself);
    if (token.expiresAt <= now) {
      throw no.expired('expired-token', itself, `since=${Math.round((now - token.expiresAt) / 1000)}s`);
    }
    if (token.region !== signed.authorization.region) {
      throw no.otherRegion(signed.authorization.region, token.region, itself);
    }
    const found = await deps.findNode(token.nodeId);
    if (!found?.registered || found.region !== token.region) throw no.invalid('node-deregistered', itself);
    if (found.epoch !== token.epoch) throw no.expired('revoked-token', itself);
    return nodePrincipal(token.nodeId, token.region, token.roleName, 'credentials');
  }

  async function nodeKey(
    signed: SignedRequest,
    text: string,
    claim: no.Claim,
    allowed: boolean,
  ): Promise<Principal> {
    const { accessKeyId: nodeId, signature, region } = signed.authorization;
    if (!allowed) throw no.invalid('node-key-not-for-this', claim);
    if (signed.form !== 'header' || signed.sessionToken !== undefined)
      throw no.unknownNode(nodeId, 'node-key-misused');
    const { node: found, key } = await verifyNodeKey(deps.findNode, nodeId, text, signature);
    if (found.region !== region) throw no.otherRegion(region, found.region, claim);
    return { ...nodePrincipal(nodeId, found.region, found.roleName, 'node-key'), key };
  }

  function nodePrincipal(
    nodeId: string,
    region: string,
    role: string,
    by: 'node-key' | 'credentials',
  ): Principal & { kind: 'node' } {
    return {
      kind: 'node',
      arn: `arn:aws:sts::${deps.account}:assumed-role/${role}/${nodeId}`,
      nodeId,
      region,
      by,
    };
  }

  return async function authenticate(asked: AuthenticationRequest): Promise<Authenticated> {
    const now = asked.at ?? deps.clock.now();
    const parts = requestParts(asked.request);
    const signed = readStrictly(parts);
    const { authorization } = signed;
    const claim = { claim: authorization.accessKeyId };
    if (parts.method === 'POST' && parts.headers['content-type'] !== undefined) {
      if (!authorization.signedHeaders.includes('content-type'))
        throw no.unsignedHeader('content-type', claim);
    }
    if (!deps.regions.includes(authorization.region))
      throw no.wrongRegion(authorization.region, deps.regions, claim);
    if (authorization.service !== asked.service)
      throw no.wrongService(authorization.service, asked.service, claim);
    const payload = checkPayload(parts, signed, asked.body, claim);
    const canonical = canonicalRequest(parts, authorization.signedHeaders, payload, authorization.service);
    const text = stringToSign(signed.at, authorization, canonical);
    const id = authorization.accessKeyId;
    const principal = id.startsWith('mi-')
      ? await nodeKey(signed, text, claim, asked.nodeKeyAllowed)
      : id.startsWith('ASIA')
        ? await node(signed, text, claim, now)
        : await user(signed, text, claim);
    // Last, so that a skew in the books was measured on a request that was really signed by who it says.
    const proved = principal.kind === 'node' ? { claim: principal.nodeId } : claim;
    checkWindow(signed, now, proved);
    return { principal, region: authorization.region, service: asked.service };
  };
}

function readStrictly(parts: HttpRequestParts): SignedRequest {
  let signed: SignedRequest;
  try {
    signed = readSignature(parts);
  } catch (error) {
    if (!(error instanceof SignatureFormatError)) throw error;
    throw no.unreadable(error.code, error.message, claimed(parts));
  }
  const claim = { claim: signed.authorization.accessKeyId };
  // One token, in the place that belongs to the form, or two readers could disagree about whose it is.
  const elsewhere =
    signed.form === 'presigned'
      ? parts.headers['x-amz-security-token'] !== undefined
      : /(?:^|&)x-amz-security-token=/i.test(parts.query);
  if (elsewhere)
    throw no.unreadable('IncompleteSignatureException', 'Only one X-Amz-Security-Token is allowed.', claim);
  if (signed.form === 'header') {
    for (const name of ['x-amz-date', 'x-amz-security-token']) {
      if (parts.headers[name] !== undefined && !signed.authorization.signedHeaders.includes(name)) {
        throw no.unsignedHeader(name, claim);
      }
    }
  }
  const missing = signed.authorization.signedHeaders.find((name) => parts.headers[name] === undefined);
  if (missing !== undefined)
    throw no.mismatch(claim, 'signed-header-missing', `header=${missing.slice(0, 64)}`);
  return signed;
}

/** The claim of a request whose signature couldn't be read, for the knock; only what looks like an id. */
function claimed(parts: HttpRequestParts): no.Claim {
  const header = parts.headers.authorization;
  const text = `${typeof header === 'string' ? header : ''} ${parts.query}`;
  const id = /Credential=((?:A[KS]IA[A-Z0-9]{16}|mi-[0-9a-f]{17}))(?:\/|%2F)/.exec(text)?.[1];
  return id === undefined ? {} : { claim: id };
}
