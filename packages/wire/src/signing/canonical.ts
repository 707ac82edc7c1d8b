/**
 * Signature Version 4 from the request to the string that is signed. Strings stand for bytes here, one
 * character each, as node:http hands them over, so everything is hashed as latin1.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** A request as it is on the wire. */
export interface HttpRequestParts {
  readonly method: string;
  /** The raw path, still percent-encoded, without query. */
  readonly path: string;
  /** The raw query, without `?`; empty when there is none. */
  readonly query: string;
  /** Header values under lower-case names; several values of one name as an array, in order. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What a signing key is good for. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** The algorithm's name, which the RSA form of managed nodes bears as well. */
export const algorithm = 'AWS4-HMAC-SHA256';

/** The hexadecimal SHA-256 of a body; of a string, its UTF-8 bytes. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

/** `YYYYMMDDTHHMMSSZ`, of milliseconds since the epoch. */
export function amzDate(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** Milliseconds since the epoch of a date as {@link amzDate} writes it; undefined when it is none. */
export function parseAmzDate(text: string): number | undefined {
  if (!/^\d{8}T\d{6}Z$/.test(text)) return undefined;
  const field = (from: number, to: number) => Number(text.slice(from, to));
  const [month, day, hour, minute, second] = [
    field(4, 6),
    field(6, 8),
    field(9, 11),
    field(11, 13),
    field(13, 15),
  ];
  const at = Date.UTC(field(0, 4), month - 1, day, hour, minute, second);
  // Out of range, a field would roll over into the next: 31 February, 25 o'clock.
  const date = new Date(at);
  const kept = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return kept && hour < 24 && minute < 60 && second < 60 ? at : undefined;
}

/**
 * The canonical request. Of a presigned one, `X-Amz-Signature` is left out by itself. `payloadHash` is the
 * {@link sha256Hex} of the body; `service` matters only for `s3`, whose paths are encoded once.
 */
export function canonicalRequest(
  parts: HttpRequestParts,
  signedHeaders: readonly string[],
  payloadHash: string,
  service = '',
): string {
  const headers = signedHeaders.map((name) => `${name}:${canonicalHeader(headerOf(parts, name))}\n`).join('');
  const path = service === 's3' ? encode(decode(parts.path), '/') : encode(normalizePath(parts.path), '/');
  return `${parts.method}\n${path === '' ? '/' : path}\n${canonicalQuery(parts.query)}\n${headers}\n${signedHeaders.join(';')}\n${payloadHash}`;
}

/** The string that is signed, for a request made at `at` (`YYYYMMDDTHHMMSSZ`, as sent). */
export function stringToSign(at: string, scope: CredentialScope, canonical: string): string {
  const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex');
  return `${algorithm}\n${at}\n${scopeText(scope)}\n${digest}`;
}

/** `date/region/service/aws4_request`. */
export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** The key derived for one day, region and service; worth caching, it costs four hashes. */
export function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  const ofDate = hmac(`AWS4${secret}`, date);
  return hmac(hmac(hmac(ofDate, region), service), 'aws4_request');
}

/** The hexadecimal signature of a {@link stringToSign}. */
export function hmacSignature(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text, 'latin1').digest('hex');
}

/** Whether two hexadecimal strings are the same, in a time that doesn't tell where they differ. */
export function timingSafeEqualHex(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  return timingSafeEqual(Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1'));
}

/** Percent-encodes what isn't unreserved, upper case; `spared` are further characters to keep. */
export function encode(bytes: string, spared = ''): string {
  return bytes.replace(/[^A-Za-z0-9\-._~]/g, (character) =>
    spared.includes(character)
      ? character
      : `%${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Undoes percent-encoding; a `%` that begins none stands for itself. */
export function decode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Splits a raw query into decoded pairs, in order; a name without `=` has an empty value. */
export function queryPairs(query: string): [name: string, value: string][] {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0
        ? [decode(pair), '']
        : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
    });
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return queryPairs(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** A header's value; never something that the record inherited, since a client chooses the name. */
export function headerOf(
  parts: Pick<HttpRequestParts, 'headers'>,
  name: string,
): string | readonly string[] | undefined {
  return Object.hasOwn(parts.headers, name) ? parts.headers[name] : undefined;
}

function canonicalHeader(value: string | readonly string[] | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? collapse(value) : value.map(collapse).join(',');
}

function collapse(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

/** Drops empty and `.` segments and resolves `..`; a trailing slash stays. */
function normalizePath(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const trailing = kept.length > 0 && (last === '' || last === '.' || last === '..') ? '/' : '';
  return `/${kept.join('/')}${trailing}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
