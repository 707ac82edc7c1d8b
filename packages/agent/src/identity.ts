/**
 * Who this node is: its id, its key pair, the server it belongs to and the certificates it trusts there.
 * A key without an id is a registration that was begun: the same key gets the same id when it is tried again.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { fileNames, loadGenerations, saveGenerations } from './files.ts';

/** A begun or finished registration. */
export interface Identity {
  /** `https://host:port`, without a path. */
  readonly serverUrl: string;
  readonly region: string;
  /** `mi-…`; absent until the server gave it. */
  readonly nodeId?: string;
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** While the key is being changed: the key that the server may or may not know already. */
  readonly nextPrivateKey?: string;
  /** What the server tells copies of a machine apart by. */
  readonly fingerprint: string;
  /** The certificates this node trusts its server by, PEM, one each; absent: the system's. */
  readonly trust?: readonly string[];
  /** When it registered: ISO 8601. */
  readonly registeredAt?: string;
}

/** An identity that has its node id. */
export type RegisteredIdentity = Identity & { readonly nodeId: string };

/** There is no finished registration in the folder. */
export class NotRegisteredError extends Error {
  constructor(root: string) {
    super(`This machine isn't registered: there is no finished registration in ${root}.`);
    this.name = 'NotRegisteredError';
  }
}

const names = { current: fileNames.identity, previous: fileNames.previousIdentity };

/** The identity in the folder; undefined when registration was never begun. */
export function loadIdentity(
  root: string,
): { identity: Identity; generation: 'current' | 'previous' } | undefined {
  const loaded = loadGenerations(root, names, parseIdentity);
  return loaded && { identity: loaded.value, generation: loaded.generation };
}

/** Saves an identity, keeping the one before it. */
export function saveIdentity(root: string, identity: Identity): void {
  saveGenerations(root, names, `${JSON.stringify({ version: 1, ...identity }, null, 2)}\n`, (text) => {
    try {
      return parseIdentity(text) !== undefined;
    } catch {
      return false;
    }
  });
}

/** Whether an identity has its node id. */
export function isRegistered(identity: Identity | undefined): identity is RegisteredIdentity {
  return identity?.nodeId !== undefined;
}

/** A new RSA key of 2048 bits: PKCS#8, PEM. */
export async function makePrivateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** The public half as the server wants it: base64 of the DER SubjectPublicKeyInfo. */
export function publicKeyOf(privateKey: string): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** The certificates in a PEM text, one string each. */
export function splitCertificates(pem: string): string[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (certificate) => `${certificate}\n`,
  );
}

/** The SHA-256 of a certificate: lower-case hexadecimal, without colons. */
export function certificateFingerprint(pem: string): string {
  return normalizeFingerprint(new X509Certificate(pem).fingerprint256);
}

/** A fingerprint in the one form that can be compared. */
export function normalizeFingerprint(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replaceAll(':', '');
}

/** The one form of a server's address: scheme, name and port. */
export function normalizeServerUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:')
    throw new TypeError(`The server's address must begin with https://, not ${url.protocol}//.`);
  return url.origin;
}

function parseIdentity(text: string): Identity {
  const value = JSON.parse(text) as Record<string, unknown>;
  if (value === null || typeof value !== 'object') throw new TypeError('no object');
  const optional = (name: string) => (value[name] === undefined ? {} : { [name]: wordOf(value, name) });
  const privateKey = wordOf(value, 'privateKey');
  createPrivateKey(privateKey);
  const trust = value.trust;
  if (trust !== undefined && !(Array.isArray(trust) && trust.every((pem) => typeof pem === 'string'))) {
    throw new TypeError('trust is no list of certificates');
  }
  for (const pem of trust ?? []) new X509Certificate(pem);
  return {
    serverUrl: normalizeServerUrl(wordOf(value, 'serverUrl')),
    region: wordOf(value, 'region'),
    privateKey,
    fingerprint: wordOf(value, 'fingerprint'),
    ...optional('nodeId'),
    ...optional('nextPrivateKey'),
    ...optional('registeredAt'),
    ...(trust === undefined ? {} : { trust: trust as string[] }),
  };
}

function wordOf(value: Record<string, unknown>, name: string): string {
  const word = value[name];
  if (typeof word !== 'string' || word === '') throw new TypeError(`${name} is missing`);
  return word;
}
