/** Secrets at rest: AES-256-GCM, bound to what they belong to, so that a sealed text can't be moved elsewhere. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Derives a key for one purpose from the server's secrets key. */
export function purposeKey(secretsKey: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretsKey, '', `rollcall ${purpose}`, 32));
}

/** Seals a text for `owner`. The result differs each time. */
export function seal(key: Uint8Array, owner: string, text: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

/** Opens what {@link seal} sealed for the same owner; undefined when it is anything else. */
export function unseal(key: Uint8Array, owner: string, sealed: Uint8Array): string | undefined {
  if (sealed.length < 28) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(owner)).setAuthTag(sealed.subarray(sealed.length - 16));
    return (
      decipher.update(sealed.subarray(12, sealed.length - 16), undefined, 'utf8') + decipher.final('utf8')
    );
  } catch {
    return undefined;
  }
}

/** Seals texts for one purpose, as text; for folders that keep a secret of their own. */
export function secretsBox(secretsKey: Uint8Array, purpose: string) {
  const key = purposeKey(secretsKey, purpose);
  return {
    seal: (owner: string, text: string): string => seal(key, owner, text).toString('base64'),
    unseal: (owner: string, sealed: string): string | undefined =>
      unseal(key, owner, Buffer.from(sealed, 'base64')),
  };
}
