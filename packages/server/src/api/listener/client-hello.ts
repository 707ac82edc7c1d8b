/**
 * Reads the first message of a TLS client (RFC 8446, 4.1.2), which TLS itself keeps to itself: the name
 * that was asked for, the versions offered, and the order of everything, by which clients give themselves away.
 */

/** What a ClientHello says. Numbers are as on the wire, without GREASE (RFC 8701). */
export interface ClientHello {
  /** The server name asked for (SNI), lower case; absent for addresses. */
  readonly serverName: string | undefined;
  /** The versions offered, newest first, e.g. 0x0304 for TLS 1.3. */
  readonly versions: readonly number[];
  readonly alpn: readonly string[];
  readonly ciphers: readonly number[];
  /** Extension types in the order sent. */
  readonly extensions: readonly number[];
  readonly groups: readonly number[];
  /** Formats of elliptic points: OpenSSL sends three, Go and Schannel one. */
  readonly pointFormats: readonly number[];
  /** Whether GREASE values were among the ciphers: browsers do that. */
  readonly grease: boolean;
}

/** `more`: not yet complete. `junk`: no ClientHello, whatever follows. */
export type HelloReading =
  | { readonly state: 'more' }
  | { readonly state: 'junk'; readonly why: string }
  | { readonly state: 'read'; readonly hello: ClientHello };

/** No honest hello is longer; those with post-quantum keys have some 1,800 bytes. */
const maxHello = 16_384;
/** Nobody cuts a hello into more; each one costs a copy. */
const maxRecords = 32;
const more: HelloReading = { state: 'more' };
const junk = (why: string): HelloReading => ({ state: 'junk', why });

/** Reads a ClientHello from the bytes received so far, however they were cut into records and packets. */
export function readClientHello(bytes: Buffer): HelloReading {
  let message: Buffer | undefined;
  let have = 0;
  let need = 4;
  for (let at = 0, records = 0; have < need; records++) {
    if (records === maxRecords) return junk('cut into too many records');
    if (bytes.length > at && bytes[at] !== 0x16) return junk('not a handshake record');
    if (bytes.length > at + 1 && bytes[at + 1] !== 0x03) return junk('not a TLS record');
    if (bytes.length < at + 5) return more;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > maxHello) return junk(`record of ${length} bytes`);
    const part = bytes.subarray(at + 5, at + 5 + length);
    message = message ? Buffer.concat([message, part]) : part;
    have = message.length;
    if (have > 0 && message[0] !== 0x01) return junk(`handshake message ${message[0]}`);
    if (have >= 4) need = 4 + message.readUIntBE(1, 3);
    if (need > maxHello) return junk(`hello of ${need} bytes`);
    if (have < need && part.length < length) return more;
    at += 5 + length;
  }
  try {
    return { state: 'read', hello: readBody(message!.subarray(4, need)) };
  } catch {
    return junk('malformed hello');
  }
}

/** Throws a RangeError when a length leads outside the message. */
function readBody(body: Buffer): ClientHello {
  const reader = new Reader(body);
  const legacyVersion = reader.number(2);
  reader.take(32); // random
  reader.vector(1); // session id
  const offered = numbers(reader.vector(2), 2);
  reader.vector(1); // compression methods
  const extensions: number[] = [];
  const contents = new Map<number, Buffer>();
  if (!reader.done) {
    const list = new Reader(reader.vector(2));
    while (!list.done) {
      const type = list.number(2);
      const content = list.vector(2);
      if (isGrease(type)) continue;
      extensions.push(type);
      contents.set(type, content);
    }
  }
  const inside = (type: number): Reader => new Reader(contents.get(type) ?? empty);
  const listed = (type: number, lengthBytes: number, width: number): number[] =>
    contents.has(type) ? numbers(inside(type).vector(lengthBytes), width) : [];
  const versions = listed(43, 1, 2);
  return {
    serverName: contents.has(0) ? readServerName(inside(0)) : undefined,
    versions: versions.length > 0 ? versions : [legacyVersion],
    alpn: contents.has(16) ? readTexts(inside(16)) : [],
    ciphers: offered.filter((cipher) => !isGrease(cipher)),
    extensions,
    groups: listed(10, 2, 2),
    pointFormats: listed(11, 1, 1),
    grease: offered.some(isGrease),
  };
}

const empty = Buffer.alloc(0);

function readServerName(reader: Reader): string | undefined {
  const list = new Reader(reader.vector(2));
  while (!list.done) {
    const type = list.number(1);
    const name = list.vector(2);
    // Printable ASCII without space: the name ends up in logs and tables.
    if (type === 0 && name.length <= 253 && /^[!-~]+$/.test(name.toString('latin1')))
      return name.toString('latin1').toLowerCase();
  }
  return undefined;
}

function readTexts(reader: Reader): string[] {
  const list = new Reader(reader.vector(2));
  const texts: string[] = [];
  while (!list.done) texts.push(list.vector(1).toString('latin1'));
  return texts;
}

function numbers(bytes: Buffer, width: number): number[] {
  const reader = new Reader(bytes);
  const found: number[] = [];
  while (!reader.done) {
    const value = reader.number(width);
    if (width === 1 || !isGrease(value)) found.push(value);
  }
  return found;
}

/** Values that mean nothing, and are sent so that servers learn to bear unknown ones. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** Takes numbers and length-prefixed parts off the front of bytes. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(width: number): number {
    const value = this.#bytes.readUIntBE(this.#at, width);
    this.#at += width;
    return value;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('too short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  vector(lengthBytes: number): Buffer {
    return this.take(this.number(lengthBytes));
  }
}
