/** Signs requests: as any client of AWS does, in the header or in the query. */
import {
  algorithm,
  amzDate,
  type CredentialScope,
  canonicalRequest,
  encode,
  type HttpRequestParts,
  hmacSignature,
  scopeText,
  sha256Hex,
  signingKey,
  stringToSign,
} from './canonical.ts';

/** What a caller signs with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request that is to be signed. */
export interface RequestToSign {
  readonly method: string;
  readonly url: string | URL;
  /** Headers to send, any case. `host` is added from the URL. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Headers that something on the way may change, or that are written too late to be signed. */
const unsigned = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'expect',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amz-content-sha256',
  'x-amzn-trace-id',
]);

/** Signs a request in its headers; returns all headers to send, under lower-case names. */
export function signRequest(request: RequestToSign & { credentials: Credentials }): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
  const token = sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken };
  return signHeaders(request, accessKeyId, token, (text, scope) =>
    hmacSignature(signingKey(secretAccessKey, scope.date, scope.region, scope.service), text),
  );
}

/** Signs the headers with whatever makes a signature of the string to sign; shared with the RSA form. */
export function signHeaders(
  request: RequestToSign,
  accessKeyId: string,
  added: Readonly<Record<string, string>>,
  signature: (text: string, scope: CredentialScope) => string,
): Record<string, string> {
  const url = new URL(request.url);
  const at = amzDate(request.at);
  const headers: Record<string, string> = { host: url.host };
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  Object.assign(headers, added, { 'x-amz-date': at });
  const signedHeaders = Object.keys(headers)
    .filter((name) => !unsigned.has(name))
    .sort();
  const scope = { date: at.slice(0, 8), region: request.region, service: request.service };
  const parts = { method: request.method, path: url.pathname, query: url.search.slice(1), headers };
  const canonical = canonicalRequest(parts, signedHeaders, sha256Hex(request.body ?? ''), request.service);
  const signed = signature(stringToSign(at, scope, canonical), scope);
  headers.authorization = `${algorithm} Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signed}`;
  return headers;
}

/** Signs a URL, good for `expiresIn` seconds (1 to 604800); only `host` and the given headers are signed. */
export function presignUrl(request: RequestToSign & { credentials: Credentials; expiresIn: number }): string {
  const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
  const url = new URL(request.url);
  const at = amzDate(request.at);
  const scope = { date: at.slice(0, 8), region: request.region, service: request.service };
  const headers: Record<string, string> = { host: url.host };
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  const signedHeaders = Object.keys(headers)
    .filter((name) => !unsigned.has(name))
    .sort();
  const added: [string, string][] = [
    ['X-Amz-Algorithm', algorithm],
    ['X-Amz-Credential', `${accessKeyId}/${scopeText(scope)}`],
    ['X-Amz-Date', at],
    ['X-Amz-Expires', String(request.expiresIn)],
    ...(sessionToken === undefined ? [] : [['X-Amz-Security-Token', sessionToken] as [string, string]]),
    ['X-Amz-SignedHeaders', signedHeaders.join(';')],
  ];
  const own = url.search.slice(1);
  const query = [
    ...(own === '' ? [] : [own]),
    ...added.map(([name, value]) => `${name}=${encode(value)}`),
  ].join('&');
  const parts: HttpRequestParts = { method: request.method, path: url.pathname, query, headers };
  const canonical = canonicalRequest(parts, signedHeaders, sha256Hex(request.body ?? ''), request.service);
  const key = signingKey(secretAccessKey, scope.date, scope.region, scope.service);
  return `${url.origin}${url.pathname}?${query}&X-Amz-Signature=${hmacSignature(key, stringToSign(at, scope, canonical))}`;
}
