/**
 * RSA key pairs for thousands of simulated nodes. Making one takes a tenth of a second, so a few primes are
 * made and every two of them are one key: n primes give n(n-1)/2 different public keys. Keys that share
 * primes protect nothing; they only sign for nodes that don't exist.
 */
import { createPrivateKey, createPublicKey, generatePrime, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** A pool of distinct key pairs, made again from their number whenever they are needed. */
export interface KeyPool {
  readonly size: number;
  privateKey(number: number): KeyObject;
  /** Base64 of the DER SubjectPublicKeyInfo, as nodes register it. */
  publicKey(number: number): string;
}

const exponent = 65_537n;

/** Makes a pool of at least `size` key pairs of 2048 bits. */
export async function makeKeyPool(size: number): Promise<KeyPool> {
  const count = Math.max(2, Math.ceil((1 + Math.sqrt(1 + 8 * size)) / 2));
  const primes: bigint[] = [];
  while (primes.length < count) {
    const made = await Promise.all(Array.from({ length: Math.min(8, count - primes.length) }, makePrime));
    for (const prime of made)
      if ((prime - 1n) % exponent !== 0n && !primes.includes(prime)) primes.push(prime);
  }
  const privateKey = (number: number): KeyObject => {
    const [first, second] = pairOf(number);
    return keyOf(primes[first]!, primes[second]!);
  };
  return {
    size: (count * (count - 1)) / 2,
    privateKey,
    publicKey: (number) =>
      createPublicKey(privateKey(number)).export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

async function makePrime(): Promise<bigint> {
  const bytes = await promisify(generatePrime)(1024);
  return BigInt(`0x${Buffer.from(bytes as ArrayBuffer).toString('hex')}`);
}

/** The pair with this number, counted as (1,0) (2,0) (2,1) (3,0) … */
function pairOf(number: number): [number, number] {
  let larger = Math.floor((1 + Math.sqrt(1 + 8 * number)) / 2);
  while ((larger * (larger - 1)) / 2 > number) larger--;
  return [larger, number - (larger * (larger - 1)) / 2];
}

function keyOf(p: bigint, q: bigint): KeyObject {
  const totient = (p - 1n) * (q - 1n);
  // d·e = 1 + k·totient for some small k, which is found modulo the exponent.
  const k = exponent - inverse(totient % exponent, exponent);
  const d = (1n + k * totient) / exponent;
  const jwk = {
    kty: 'RSA',
    n: base64(p * q),
    e: base64(exponent),
    d: base64(d),
    p: base64(p),
    q: base64(q),
    dp: base64(d % (p - 1n)),
    dq: base64(d % (q - 1n)),
    qi: base64(inverse(q % p, p)),
  };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** The inverse of `value` modulo `modulus`, which have no common factor. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1];
  }
  return t0 < 0n ? t0 + modulus : t0;
}

function base64(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}
