/**
 * A fixed-size answer to "could this claim be in our books?", cheap enough to ask before every answer. It
 * never forgets a claim it learned and is sometimes wrong the other way; the books decide at flush time.
 */
import { randomBytes } from 'node:crypto';

const bits = 2 ** 23;

/** A Bloom filter of one mebibyte: a million claims at one wrong answer in fifty, 100,000 at hardly any. */
export class ClaimFilter {
  #words = new Uint32Array(bits / 32);
  // Unguessable, so that nobody can craft claims that look known.
  #seed = randomBytes(8);
  #first = this.#seed.readUInt32LE(0);
  #second = this.#seed.readUInt32LE(4) | 1;

  /** Remembers a claim for the life of the process. */
  learn(claim: string): void {
    const [one, two] = this.#hashes(claim);
    for (let probe = 0; probe < 4; probe++) {
      const bit = (one + Math.imul(probe, two)) >>> 9;
      this.#words[bit >>> 5]! |= 1 << (bit & 31);
    }
  }

  /** False: certainly never learned. True: very likely learned. */
  maybeKnown(claim: string): boolean {
    const [one, two] = this.#hashes(claim);
    for (let probe = 0; probe < 4; probe++) {
      const bit = (one + Math.imul(probe, two)) >>> 9;
      if ((this.#words[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  #hashes(claim: string): [number, number] {
    let one = this.#first;
    let two = this.#second;
    for (let index = 0; index < claim.length; index++) {
      const unit = claim.charCodeAt(index);
      one = Math.imul(one ^ unit, 0x01000193);
      two = Math.imul(two ^ (unit + index), 0x85ebca6b);
      two ^= two >>> 13;
    }
    one ^= one >>> 16;
    one = Math.imul(one, 0xc2b2ae35);
    one ^= one >>> 15;
    two = Math.imul(two ^ (two >>> 16), 0x27d4eb2f);
    return [one, (two ^ (two >>> 15)) | 1];
  }
}
