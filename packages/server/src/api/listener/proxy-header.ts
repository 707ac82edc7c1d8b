/** Reads the PROXY protocol, versions 1 and 2, by which a load balancer in front says who really connected. */
import { isIP } from 'node:net';

/** `none`: these bytes are no such header. `local`: the balancer speaks for itself (a health check). */
export type ProxyReading =
  | { readonly state: 'none' }
  | { readonly state: 'more' }
  | { readonly state: 'bad'; readonly why: string }
  | { readonly state: 'local'; readonly length: number }
  | { readonly state: 'read'; readonly length: number; readonly address: string; readonly port: number };

const signature2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const signature1 = Buffer.from('PROXY ', 'latin1');
const maxLine = 107;
/** Extensions (TLVs) may follow the addresses; nobody sends more than a few hundred bytes of them. */
const maxBody = 4_096;

/** Reads a header at the front of the bytes received so far. */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (begins(bytes, signature1)) return readLine(bytes);
  if (begins(bytes, signature2)) return readBinary(bytes);
  return { state: 'none' };
}

function begins(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return length > 0 && bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function readLine(bytes: Buffer): ProxyReading {
  const end = bytes.subarray(0, maxLine).indexOf('\r\n');
  if (end < 0)
    return bytes.length < maxLine ? { state: 'more' } : { state: 'bad', why: 'line without an end' };
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  if (/^PROXY UNKNOWN\b/.test(line)) return { state: 'local', length };
  const [, kind, address, port] = /^PROXY (TCP4|TCP6) (\S+) \S+ (\d{1,5}) \d{1,5}$/.exec(line) ?? [];
  if (address === undefined || isIP(address) !== (kind === 'TCP6' ? 6 : 4))
    return { state: 'bad', why: 'malformed line' };
  return { state: 'read', length, address, port: Number(port) };
}

function readBinary(bytes: Buffer): ProxyReading {
  if (bytes.length < 16) return { state: 'more' };
  const [versionAndCommand, family] = [bytes[12]!, bytes[13]!];
  const body = bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2 || body > maxBody)
    return { state: 'bad', why: 'unknown version or length' };
  const length = 16 + body;
  if (bytes.length < length) return { state: 'more' };
  const proxied = (versionAndCommand & 0x0f) === 1;
  if (proxied && family === 0x11 && body >= 12) {
    return { state: 'read', length, address: bytes.subarray(16, 20).join('.'), port: bytes.readUInt16BE(24) };
  }
  if (proxied && family === 0x21 && body >= 36) {
    const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(16 + index * 2).toString(16));
    const address = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
    return { state: 'read', length, address, port: bytes.readUInt16BE(48) };
  }
  return { state: 'local', length };
}
