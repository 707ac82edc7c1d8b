/** Makes access keys in AWS's form. */
import { randomBytes } from 'node:crypto';

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `AKIA…` for users, `ASIA…` for nodes: 20 characters, 80 random bits. */
export function newAccessKeyId(prefix: 'AKIA' | 'ASIA'): string {
  return prefix + Array.from(randomBytes(16), (byte) => base32[byte & 31]).join('');
}

/** 40 characters of base64, 240 random bits. */
export function newSecret(): string {
  return randomBytes(30).toString('base64');
}

/** `AIDA…`: what policies call `aws:userid`. */
export function newUserId(): string {
  return `AIDA${Array.from(randomBytes(17), (byte) => base32[byte & 31]).join('')}`;
}
