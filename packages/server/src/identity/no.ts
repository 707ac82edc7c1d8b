/** How identity says no: AWS's codes and sentences, and what the door remembers of each. */
import { Refusal } from '../service/index.ts';

/** Whom a request claimed to come from, as far as it was read. */
export interface Claim {
  readonly claim?: string;
}

const invalidToken = 'The security token included in the request is invalid.';
const runEnv = 'Run: eval "$(rollcall env)"';

function no(code: string, message: string, reason: string, { claim }: Claim, detail?: string): Refusal {
  const knock = { reason, ...(claim !== undefined && { claim }), ...(detail !== undefined && { detail }) };
  return new Refusal(code, message, { knock, ...(detail !== undefined && { detail }) });
}

/** The signature can't be read, or leaves out what it must cover. */
export function unreadable(code: string, message: string, claim: Claim): Refusal {
  const reason = code.startsWith('MissingAuth') ? 'unsigned' : 'signature-unreadable';
  return no(code, message, reason, claim);
}

/** A header that must be under the signature isn't. */
export function unsignedHeader(name: string, claim: Claim): Refusal {
  const message = `'${name}' must be a 'SignedHeader' in the AWS Authorization.`;
  return no('InvalidSignatureException', message, 'signature-unreadable', claim, `unsigned=${name}`);
}

export function mismatch(claim: Claim, reason = 'signature-mismatch', detail?: string): Refusal {
  const message =
    'The request signature we calculated does not match the signature you provided. ' +
    'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
  return no('InvalidSignatureException', message, reason, claim, detail);
}

export function wrongRegion(region: string, served: readonly string[], claim: Claim): Refusal {
  const message = `Credential should be scoped to a valid region, not '${region}'. Regions served here: ${served.join(', ')}.`;
  return no('InvalidSignatureException', message, 'wrong-region', claim, `region=${region}`);
}

/** A region that is served, and isn't the one in which this node is registered. */
export function otherRegion(region: string, home: string, claim: Claim): Refusal {
  const message = `Credential should be scoped to a valid region, not '${region}': this node is registered in ${home}.`;
  return no('InvalidSignatureException', message, 'wrong-region', claim, `region=${region} home=${home}`);
}

export function wrongService(service: string, expected: string, claim: Claim): Refusal {
  const message = `Credential should be scoped to correct service: '${expected}'.`;
  return no('InvalidSignatureException', message, 'wrong-service', claim, `service=${service}`);
}

/** The clocks differ; `skew` is theirs minus ours, in seconds. */
export function outsideWindow(sentence: string, early: boolean, skew: number, claim: Claim): Refusal {
  const reason = early ? 'signature-not-yet-current' : 'signature-expired';
  return no('InvalidSignatureException', sentence, reason, claim, `skew=${skew > 0 ? '+' : ''}${skew}s`);
}

/** A key that isn't in our books: most often a real account's, left in the shell. */
export function foreignKey(claim: Claim): Refusal {
  if (!/^A[KS]IA[A-Z0-9]{12,}$/.test(claim.claim ?? '')) return invalid('unknown-access-key', claim);
  const message =
    `${invalidToken} This key isn't one of Rollcall's: it looks like a real AWS account's ` +
    `(AWS_SESSION_TOKEN or AWS_PROFILE left in this shell?). ${runEnv}`;
  return no('UnrecognizedClientException', message, 'foreign-access-key', claim);
}

/** Our key with somebody else's session token. */
export function foreignToken(claim: Claim): Refusal {
  const message =
    `${invalidToken} The access key is one of Rollcall's, but the session token isn't: it looks like a real ` +
    `AWS account's (AWS_SESSION_TOKEN left in this shell?). ${runEnv}`;
  return no('UnrecognizedClientException', message, 'foreign-session-token', claim);
}

/** The one answer for a token or key that we won't say more about. */
export function invalid(reason: string, claim: Claim, detail?: string): Refusal {
  return no('UnrecognizedClientException', invalidToken, reason, claim, detail);
}

/** Said only to the holder of the secret. */
export function inactiveKey(claim: Claim): Refusal {
  return no(
    'UnrecognizedClientException',
    `${invalidToken} The access key is inactive.`,
    'access-key-inactive',
    claim,
  );
}

/** Said only to the holder of the secret. `expired-token`: by time; `revoked-token`: by a newer epoch. */
export function expired(reason: 'expired-token' | 'revoked-token', claim: Claim, detail?: string): Refusal {
  return no(
    'ExpiredTokenException',
    'The security token included in the request is expired',
    reason,
    claim,
    detail,
  );
}

/** The one answer of the node-key door: it doesn't say whether there is such a node. */
export function unknownNode(nodeId: string, reason: string): Refusal {
  const message = `Not existing InstanceId ${nodeId}, or the request isn't signed with the key pair that it registered.`;
  return no('InvalidInstanceId', message, reason, { claim: nodeId });
}
