/** What can go wrong between here and the server, and a sentence for each of it. */

/** How far an attempt came before it broke. */
export type FailureLayer = 'name' | 'connection' | 'proxy' | 'tls' | 'http';

/** The server couldn't be talked to. */
export class ConnectionError extends Error {
  readonly layer: FailureLayer;
  /** The system's, OpenSSL's or Node's code. */
  readonly code: string;
  constructor(layer: FailureLayer, code: string, message: string) {
    super(message);
    this.name = 'ConnectionError';
    this.layer = layer;
    this.code = code;
  }
}

/** The server answered, and said no. */
export class ServerRefusal extends Error {
  /** AWS's code, or `HTTP <status>` when the answer named none. */
  readonly code: string;
  readonly status: number;
  /** Milliseconds the server asked to be left alone for. */
  readonly retryAfter: number | undefined;
  constructor(code: string, message: string, status: number, retryAfter?: number) {
    super(message === '' ? code : `${code}: ${message}`);
    this.name = 'ServerRefusal';
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Whether trying again, with nothing changed, may well help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof ServerRefusal)) return true;
  // Not a word of the service: something that stands in its place has answered.
  if (error.code === 'InvalidAnswer' || error.code.startsWith('HTTP ')) return true;
  return error.status >= 500 || error.status === 429 || error.code === 'ThrottlingException';
}

const sentences: Record<string, [FailureLayer, string]> = {
  ENOTFOUND: ['name', 'no address is known for this name'],
  EAI_AGAIN: ['name', 'the name server did not answer'],
  ECONNREFUSED: ['connection', 'nothing listens there, or a firewall refuses'],
  ETIMEDOUT: ['connection', 'no answer within the time allowed'],
  EHOSTUNREACH: ['connection', 'there is no way to this address'],
  ENETUNREACH: ['connection', 'there is no way to this network'],
  ENETDOWN: ['connection', 'the network is down'],
  ECONNRESET: ['connection', 'the connection was cut'],
  EPIPE: ['connection', 'the connection was cut'],
  ERR_PROXY_TUNNEL: ['proxy', 'the proxy did not let the connection through'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls', 'the certificate is self-signed and not the one trusted here'],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls', 'the certificate is issued by an authority that is not trusted here'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'tls',
    'the certificate is issued by an authority that is not trusted here',
  ],
  UNABLE_TO_GET_ISSUER_CERT: ['tls', 'the certificate is issued by an authority that is not trusted here'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'tls',
    'the certificate is issued by an authority that is not trusted here',
  ],
  CERT_SIGNATURE_FAILURE: [
    'tls',
    'the certificate is issued by an authority of the same name, but with another key',
  ],
  CERT_HAS_EXPIRED: ['tls', 'the certificate has expired, or the clock here is ahead'],
  CERT_NOT_YET_VALID: ['tls', 'the certificate is not valid yet, or the clock here is behind'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls', 'the certificate is for another name'],
  EPROTO: ['tls', 'what answers there does not speak TLS'],
};

/** Puts whatever a socket, TLS or HTTP threw into words; what is no such error stays as it is. */
export function explainFailure(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof ConnectionError || error instanceof ServerRefusal)
    return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return error;
  const known = sentences[code];
  if (known) return new ConnectionError(known[0], code, `${where}: ${known[1]} (${code}).`);
  const layer = /^ERR_(SSL|TLS)|CERT|^ERR_OSSL/.test(code)
    ? 'tls'
    : code.startsWith('HPE_')
      ? 'http'
      : 'connection';
  return new ConnectionError(layer, code, `${where}: ${error.message || code} (${code}).`);
}

/** The milliseconds a `Retry-After` header asks for, in either of its forms; undefined when it is none. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
