/**
 * The few shapes of DER (X.690) that a certificate is made of. Written, and walked, for certificates of
 * our own only: what strangers send is read by OpenSSL.
 */

/** One tag with its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
}

/** Encodes one element: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const digits = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length]), digits, body]);
}

/** SEQUENCE. */
export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
/** SET. */
export const set = (...content: readonly Uint8Array[]): Buffer => der(0x31, ...content);
/** OCTET STRING. */
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
/** BIT STRING whose last `unused` bits don't count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);
/** UTF8String. */
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
/** BOOLEAN TRUE; FALSE is always a default, and left out. */
export const yes: Buffer = der(0x01, Buffer.from([0xff]));

/** INTEGER from an unsigned big-endian number. */
export function integer(value: Uint8Array): Buffer {
  return der(0x02, ...((value[0] ?? 0) >= 0x80 ? [Buffer.from([0]), value] : [value]));
}

/** OBJECT IDENTIFIER from dotted text. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime from 2050, as RFC 5280 wants it. */
export function time(at: number): Buffer {
  const digits = `${new Date(at).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

/** The elements that stand one after another in `bytes`. Throws a RangeError when they aren't DER. */
export function elements(bytes: Uint8Array): DerElement[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: DerElement[] = [];
  for (let at = 0; at < buffer.length; ) {
    const tag = buffer.readUInt8(at);
    let length = buffer.readUInt8(at + 1);
    let start = at + 2;
    if (length >= 0x80) {
      const digits = length & 0x7f;
      length = buffer.readUIntBE(start, digits);
      start += digits;
    }
    if (start + length > buffer.length) throw new RangeError('an element is longer than what holds it');
    found.push({ tag, content: buffer.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}
