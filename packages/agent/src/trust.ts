/**
 * The hand-over to a successor authority. While the old one still serves, the server announces the
 * certificates it wants trusted; what is new is fetched over the connection that is trusted already.
 */
import { X509Certificate } from 'node:crypto';
import type { Clock } from './clock.ts';
import {
  certificateFingerprint,
  normalizeFingerprint,
  type RegisteredIdentity,
  splitCertificates,
} from './identity.ts';
import type { Log } from './log.ts';
import type { Visit } from './visit.ts';

/** More are never kept; an announcement that is longer isn't followed. */
const mostCertificates = 8;

/** The fingerprints of what an identity trusts; undefined when it is whatever the system trusts. */
export function trustedFingerprints(identity: RegisteredIdentity): string[] | undefined {
  return identity.trust?.map(certificateFingerprint);
}

/**
 * Takes over what the server announced and this node doesn't trust yet.
 * @returns the new list, or undefined when nothing changed.
 */
export async function followAnnouncement(
  announcement: string,
  identity: RegisteredIdentity,
  visit: Visit,
  clock: Clock,
  log: Log,
): Promise<string[] | undefined> {
  const { trust } = identity;
  if (trust === undefined) return undefined;
  const announced = announcement
    .split(',')
    .map(normalizeFingerprint)
    .filter((text) => /^[0-9a-f]{64}$/.test(text));
  const known = new Set(trust.map(certificateFingerprint));
  const wanted = new Set(announced.filter((fingerprint) => !known.has(fingerprint)));
  if (wanted.size === 0 || announced.length > mostCertificates) return undefined;
  const answer = await visit.ask({ method: 'GET', path: '/ca.pem' });
  if (answer.status !== 200) return undefined;
  const added = splitCertificates(answer.body).filter((pem) => isWanted(pem, wanted));
  if (added.length === 0) return undefined;
  // What neither counts any more nor is announced makes room.
  const kept = trust.filter((pem) => {
    const expired = Date.parse(new X509Certificate(pem).validTo) < clock.now();
    return !expired || announced.includes(certificateFingerprint(pem));
  });
  log('info', 'The server has a new authority; it is trusted from now on.', {
    added: added.map(certificateFingerprint),
  });
  return [...kept, ...added].slice(-mostCertificates);
}

function isWanted(pem: string, wanted: ReadonlySet<string>): boolean {
  try {
    return wanted.has(certificateFingerprint(pem));
  } catch {
    return false;
  }
}
