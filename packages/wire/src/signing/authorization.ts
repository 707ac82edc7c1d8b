/**
 * Reads what a request says about its own signature, in the header or in the query, strictly. Whether it is
 * true is for others to find out.
 */
import {
  algorithm,
  amzDate,
  type CredentialScope,
  type HttpRequestParts,
  parseAmzDate,
  queryPairs,
} from './canonical.ts';

/** The parts of an `Authorization` header, or of a presigned query. */
export interface Authorization extends CredentialScope {
  /** An access key id, or a node id (`mi-…`) in the RSA form. */
  readonly accessKeyId: string;
  /** Lower case, sorted, without repeats. */
  readonly signedHeaders: readonly string[];
  /** Hexadecimal; base64 in the RSA form. */
  readonly signature: string;
}

/** A presigned query. */
export interface PresignedAuthorization extends Authorization {
  /** `YYYYMMDDTHHMMSSZ`, as sent. */
  readonly at: string;
  /** Seconds, 1 to 604800. */
  readonly expiresIn: number;
  readonly sessionToken?: string;
}

/** Everything a verifier needs to know, whichever form the request uses. */
export interface SignedRequest {
  readonly form: 'header' | 'presigned';
  readonly authorization: Authorization;
  /** `YYYYMMDDTHHMMSSZ`: what goes into the string to sign. */
  readonly at: string;
  /** The same in milliseconds since the epoch. */
  readonly atMs: number;
  /** Seconds; only when presigned. */
  readonly expiresIn?: number;
  readonly sessionToken?: string;
}

/** Codes of a signature that can't even be read. */
export type SignatureFormatCode =
  | 'MissingAuthenticationTokenException'
  | 'IncompleteSignatureException'
  | 'InvalidSignatureException';

/** A signature that can't be read; `code` is AWS's. The message never repeats a signature or a token. */
export class SignatureFormatError extends Error {
  readonly code: SignatureFormatCode;
  constructor(code: SignatureFormatCode, message: string) {
    super(message);
    this.name = 'SignatureFormatError';
    this.code = code;
  }
}

/** Whether a request carries anything that claims to be a signature. */
export function isSigned(parts: HttpRequestParts): boolean {
  return (
    parts.headers.authorization !== undefined ||
    /(?:^|&)X-Amz-(?:Algorithm|Signature|Credential)=/.test(parts.query)
  );
}

/**
 * Reads the signature of a request, header or query form, with its date and token.
 * @throws SignatureFormatError when there is none, two, or one that can't be read.
 */
export function readSignature(parts: HttpRequestParts): SignedRequest {
  const header = parts.headers.authorization;
  if (!isSigned(parts))
    throw new SignatureFormatError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  if (header === undefined) {
    const authorization = parsePresigned(parts);
    const { at, expiresIn, sessionToken } = authorization;
    const atMs = parseAmzDate(at) as number;
    requireSigned(parts, authorization, []);
    return {
      form: 'presigned',
      authorization,
      at,
      atMs,
      expiresIn,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  }
  if (typeof header !== 'string') incomplete('Only one Authorization header is allowed.');
  if (/(?:^|&)X-Amz-(?:Signature|Credential)=/.test(parts.query)) {
    incomplete(
      'Only one auth mechanism is allowed: the Authorization header or X-Amz-Signature in the query, not both.',
    );
  }
  const authorization = parseAuthorization(header);
  const { at, atMs, name } = dateOf(parts);
  requireDay(authorization, at);
  requireSigned(parts, authorization, [name]);
  const sessionToken = single(parts, 'x-amz-security-token');
  return { form: 'header', authorization, at, atMs, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/**
 * Reads an `Authorization` header.
 * @throws SignatureFormatError
 */
export function parseAuthorization(header: string): Authorization {
  const space = header.indexOf(' ');
  const scheme = space < 0 ? header : header.slice(0, space);
  if (scheme !== algorithm) incomplete(`Unsupported AWS 'algorithm': only ${algorithm} is served.`);
  const found = new Map<string, string>();
  for (const part of header.slice(scheme.length).split(',')) {
    const pair = part.trim();
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals < 0)
      incomplete('A part of the Authorization header is not a valid key=value pair (missing equal-sign).');
    const name = pair.slice(0, equals);
    if (found.has(name)) incomplete(`Authorization header has more than one '${printable(name)}' parameter.`);
    found.set(name, pair.slice(equals + 1));
  }
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !found.get(name));
  if (missing.length > 0)
    incomplete(missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' '));
  return assemble(found.get('Credential')!, found.get('SignedHeaders')!, found.get('Signature')!);
}

/**
 * Reads a presigned query.
 * @throws SignatureFormatError
 */
export function parsePresigned(parts: Pick<HttpRequestParts, 'query'>): PresignedAuthorization {
  const found = new Map<string, string>();
  for (const [name, value] of queryPairs(parts.query)) {
    if (!/^x-amz-/i.test(name)) continue;
    if (found.has(name)) incomplete(`The query has more than one '${printable(name)}' parameter.`);
    found.set(name, value);
  }
  const needed = ['Algorithm', 'Credential', 'Signature', 'SignedHeaders', 'Date', 'Expires'];
  const missing = needed.map((name) => `X-Amz-${name}`).filter((name) => !found.get(name));
  if (missing.length > 0)
    incomplete(missing.map((name) => `AWS query-string parameters must include '${name}'.`).join(' '));
  if (found.get('X-Amz-Algorithm') !== algorithm)
    incomplete(`Unsupported AWS 'algorithm': only ${algorithm} is served.`);
  const authorization = assemble(
    found.get('X-Amz-Credential')!,
    found.get('X-Amz-SignedHeaders')!,
    found.get('X-Amz-Signature')!,
  );
  const at = found.get('X-Amz-Date')!;
  if (parseAmzDate(at) === undefined) incomplete(badDate(at));
  requireDay(authorization, at);
  const expires = found.get('X-Amz-Expires')!;
  const expiresIn = /^\d{1,6}$/.test(expires) ? Number(expires) : 0;
  if (expiresIn < 1 || expiresIn > 604_800)
    incomplete('X-Amz-Expires must be a number of seconds from 1 to 604800.');
  const sessionToken = found.get('X-Amz-Security-Token');
  return { ...authorization, at, expiresIn, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function assemble(credential: string, signedHeaders: string, signature: string): Authorization {
  const elements = credential.split('/');
  const [accessKeyId, date, region, service, term] = elements;
  if (elements.length !== 5 || !accessKeyId || !date || !region || !service) {
    incomplete(
      'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.',
    );
  }
  if (term !== 'aws4_request') {
    throw new SignatureFormatError(
      'InvalidSignatureException',
      "Credential should be scoped with a valid terminator: 'aws4_request'.",
    );
  }
  // What is read here ends up in log lines, keys and messages: only characters that real ones have.
  if (
    !/^[\w+=,.@-]{1,128}$/.test(accessKeyId) ||
    !/^[\w-]{1,100}$/.test(region) ||
    !/^[\w.-]{1,64}$/.test(service)
  ) {
    incomplete('Credential has characters that no credential has.');
  }
  if (!/^\d{8}$/.test(date)) incomplete('Date in Credential scope must be YYYYMMDD.');
  if (!/^[A-Za-z0-9+/=]{1,1400}$/.test(signature)) incomplete('Signature is neither hexadecimal nor base64.');
  const names = signedHeaders.split(';');
  if (names.length > 100) incomplete('SignedHeaders names too many headers.');
  names.forEach((name, i) => {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
      incomplete('SignedHeaders must be lower-case header names, separated by semicolons.');
    if (i > 0 && names[i - 1]! >= name) incomplete('SignedHeaders must be sorted and name each header once.');
  });
  return { accessKeyId, date, region, service, signedHeaders: names, signature };
}

/** Without these under the signature, somebody on the way could turn one request into another. */
function requireSigned(
  parts: HttpRequestParts,
  { signedHeaders }: Authorization,
  dates: readonly string[],
): void {
  const needed = ['x-amz-target', ...(dates.length > 0 ? ['x-amz-security-token'] : [])].filter(
    (name) => parts.headers[name] !== undefined,
  );
  if (!signedHeaders.includes('host')) {
    throw new SignatureFormatError(
      'InvalidSignatureException',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  for (const name of [...dates, ...needed]) {
    if (!signedHeaders.includes(name)) {
      throw new SignatureFormatError(
        'InvalidSignatureException',
        `'${name}' must be a 'SignedHeader' in the AWS Authorization.`,
      );
    }
  }
}

function requireDay({ date }: Authorization, at: string): void {
  if (at.startsWith(date)) return;
  throw new SignatureFormatError(
    'InvalidSignatureException',
    `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${at.slice(0, 8)}', from '${at}'.`,
  );
}

/** `X-Amz-Date` wins over `Date`, which may be in the old HTTP form. */
function dateOf(parts: HttpRequestParts): { at: string; atMs: number; name: string } {
  const name = parts.headers['x-amz-date'] === undefined ? 'date' : 'x-amz-date';
  const text = single(parts, name);
  if (text === undefined) {
    incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  const httpDate =
    name === 'date' && /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text);
  const atMs = httpDate ? Date.parse(text) : parseAmzDate(text);
  if (atMs === undefined || Number.isNaN(atMs)) incomplete(badDate(text));
  return { at: httpDate ? amzDate(atMs) : text, atMs, name };
}

function single(parts: HttpRequestParts, name: string): string | undefined {
  const value = parts.headers[name];
  if (typeof value === 'string' || value === undefined) return value;
  incomplete(`Only one '${name}' header is allowed.`);
}

function badDate(text: string): string {
  return `Date must be in ISO-8601 'basic format'. Got '${printable(text)}'. See http://en.wikipedia.org/wiki/ISO_8601`;
}

function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
}

function incomplete(message: string): never {
  throw new SignatureFormatError('IncompleteSignatureException', message);
}
