/** Tells TLS clients apart by the shape of their first message. It is a guess: a middlebox has a shape of its own. */
import type { ClientHello } from './client-hello.ts';

/** What kind of program a client is, as far as its hello tells. */
export type ClientFamily =
  /** Go's crypto/tls: the official agent and the session plugin. */
  | 'go'
  /** Node.js, our agent among it. */
  | 'node'
  /** AWS CLI and boto3: Python through urllib3. */
  | 'botocore'
  | 'python'
  | 'curl'
  /** OpenSSL in some other program. */
  | 'openssl'
  /** Windows: PowerShell, .NET, WinHTTP. */
  | 'schannel'
  /** A browser that sends GREASE. */
  | 'browser'
  | 'unknown';

interface Shape {
  readonly family: ClientFamily;
  /** The TLS 1.2 cipher suites begin with these (TLS 1.3's and the renegotiation signal put aside). */
  readonly ciphers?: readonly number[];
  readonly has?: readonly number[];
  readonly lacks?: readonly number[];
  readonly alpn?: readonly string[];
  readonly pointFormats?: number;
  readonly grease?: true;
}

const statusRequest = 5;
const encryptThenMac = 22;
const extendedMainSecret = 23;
const signedTimestamps = 18;
const sessionTicket = 35;
const renegotiationInfo = 0xff01;

/** OpenSSL's own order, AES-256 first. */
const opensslOrder = [0xc02c, 0xc030, 0x009f];
/** CPython 3.10 and newer: `@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES`. */
const pythonOrder = [0xc02c, 0xc030, 0xc02b, 0xc02f];
/** Node's `tls.DEFAULT_CIPHERS`, AES-128 before AES-256. */
const nodeOrder = [0xc02f, 0xc02b, 0xc030, 0xc02c, 0x009e];

/**
 * The first that fits. Recorded from: Go 1.21 (amazon-ssm-agent 3.3, session-manager-plugin 1.2), Node 20 and 26,
 * curl 7.88, CPython 3.8 to 3.13, botocore 1.43 (urllib3 2.7), OpenSSL 3.0. Schannel: as published for Windows 10.
 */
const shapes: readonly Shape[] = [
  { family: 'browser', grease: true },
  {
    family: 'go',
    has: [statusRequest, signedTimestamps, renegotiationInfo],
    lacks: [encryptThenMac, sessionTicket],
    pointFormats: 1,
  },
  { family: 'node', ciphers: nodeOrder, has: [encryptThenMac] },
  // urllib3 switches session tickets off, which CPython by itself doesn't.
  {
    family: 'botocore',
    ciphers: pythonOrder,
    has: [encryptThenMac],
    lacks: [sessionTicket],
    alpn: ['http/1.1'],
  },
  { family: 'python', ciphers: pythonOrder, has: [encryptThenMac] },
  { family: 'curl', ciphers: opensslOrder, has: [encryptThenMac], alpn: ['h2', 'http/1.1'] },
  { family: 'openssl', has: [encryptThenMac], pointFormats: 3 },
  {
    family: 'schannel',
    ciphers: [0xc02c, 0xc02b, 0xc030, 0xc02f],
    has: [extendedMainSecret, renegotiationInfo],
    lacks: [encryptThenMac, signedTimestamps],
    pointFormats: 1,
  },
];

/** Guesses the family of the client that sent this hello. */
export function familyOf(hello: ClientHello): ClientFamily {
  // TLS 1.3's suites stand in front or behind, by taste; they tell little.
  const ciphers = hello.ciphers.filter((cipher) => cipher >> 8 !== 0x13 && cipher !== 0x00ff);
  return shapes.find((shape) => fits(shape, hello, ciphers))?.family ?? 'unknown';
}

function fits(shape: Shape, hello: ClientHello, ciphers: readonly number[]): boolean {
  return (
    (shape.grease === undefined || hello.grease) &&
    (shape.ciphers ?? []).every((cipher, index) => ciphers[index] === cipher) &&
    (shape.has ?? []).every((type) => hello.extensions.includes(type)) &&
    !(shape.lacks ?? []).some((type) => hello.extensions.includes(type)) &&
    (shape.alpn === undefined || shape.alpn.join() === hello.alpn.join()) &&
    (shape.pointFormats === undefined || shape.pointFormats === hello.pointFormats.length)
  );
}

/** The TLS versions offered, as people write them, e.g. `1.0 1.1 1.2`. */
export function versionNames(versions: readonly number[]): string {
  return [...versions]
    .sort((a, b) => a - b)
    .map((version) => (version === 0x0300 ? 'SSL3' : `1.${(version & 0xff) - 1}`))
    .join(' ');
}
