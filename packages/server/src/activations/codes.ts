/**
 * Activation codes: made here, told once, kept only as a hash. A code has 120 random bits, so nobody can
 * try them all however fast the hash is: a salted SHA-256 is as safe as a slow hash, and 300 machines that
 * enrol at once don't cost the server minutes.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 32 characters that nobody mistakes for one another, and no shell takes for something else. */
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const length = 24;

/** A new code: 24 characters of 5 bits each (agents want at least 20). */
export function newCode(): string {
  return Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('');
}

/** What is stored of a code: `sha256:SALT:HASH`. */
export function hashCode(code: string, salt = randomBytes(16).toString('hex')): string {
  return `sha256:${salt}:${createHash('sha256').update(`${salt}:${code}`).digest('hex')}`;
}

/** Whether a code is the one that was hashed. Takes the same time whatever it differs in. */
export function isCode(code: string, stored: string): boolean {
  const salt = stored.split(':')[1] ?? '';
  const given = Buffer.from(hashCode(code, salt));
  const kept = Buffer.from(stored);
  return given.length === kept.length && timingSafeEqual(given, kept);
}
