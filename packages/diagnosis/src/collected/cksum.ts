/** The checksum of POSIX's `cksum`: the one that every machine can make, however little it has. */

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** The checksum and the length of some bytes, as `cksum` prints them: the length is part of what is summed. */
export function cksum(bytes: Uint8Array): { readonly sum: number; readonly length: number } {
  let value = 0;
  const add = (byte: number) => {
    value = ((value << 8) ^ table[((value >>> 24) ^ byte) & 255]!) >>> 0;
  };
  for (const byte of bytes) add(byte);
  for (let rest = bytes.length; rest > 0; rest = Math.floor(rest / 256)) add(rest & 255);
  return { sum: ~value >>> 0, length: bytes.length };
}
