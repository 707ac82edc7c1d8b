/** Downloads a file over HTTP or HTTPS: with a name and password if need be, through the agent's proxy. */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Way, webRequest } from '../web-request.ts';

/** A file to download. */
export interface HttpDownload {
  readonly url: URL;
  readonly authMethod: 'None' | 'Basic' | 'Digest';
  readonly username: string;
  readonly password: string;
  /** Whether it may come, or be led on, over plain HTTP. */
  readonly allowInsecure: boolean;
  readonly way: Way;
  readonly signal: AbortSignal;
}

/** Nothing larger is downloaded. */
const longestBody = 4 * 1024 ** 3;
/** A server that says nothing for so long (ms) is given up. */
const patience = 60_000;
const mostRedirects = 10;

/**
 * Downloads into a file, which is there whole or not at all.
 * @throws Error with a sentence that says what went wrong.
 */
export async function download(what: HttpDownload, path: string): Promise<void> {
  let { url } = what;
  let authorization = basicOf(what);
  let answeredChallenge = false;
  for (let redirects = 0; redirects <= mostRedirects; ) {
    if (url.protocol === 'http:' && !what.allowInsecure)
      throw new Error(`${url.origin} is not HTTPS; allowInsecureDownload would allow that.`);
    const answer = await ask(url, authorization, what);
    const { statusCode = 0, headers } = answer;
    if (statusCode === 200) return save(answer, path, what.signal);
    // Not read: it may have no end.
    answer.destroy();
    const challenge = headers['www-authenticate'];
    if (statusCode === 401 && what.authMethod === 'Digest' && challenge && !answeredChallenge) {
      authorization = digestAuthorization(challenge, url, what);
      answeredChallenge = true;
      continue;
    }
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined)
      throw new Error(`${url.origin} answered with HTTP ${statusCode} ${answer.statusMessage ?? ''}`.trim());
    const next = new URL(headers.location, url);
    if (!/^https?:$/.test(next.protocol)) throw new Error(`${url.origin} leads on to ${next.protocol}`);
    // The name and password are for whom they were given to.
    if (next.origin !== url.origin) authorization = undefined;
    url = next;
    redirects += 1;
  }
  throw new Error(`${what.url.origin} leads on too often.`);
}

function ask(url: URL, authorization: string | undefined, what: HttpDownload): Promise<IncomingMessage> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  return webRequest({ ...what, method: 'GET', url, headers, patience }, (call) => call.end());
}

async function save(answer: IncomingMessage, path: string, signal: AbortSignal): Promise<void> {
  const part = `${path}.${randomBytes(4).toString('hex')}.part`;
  let length = 0;
  try {
    await pipeline(
      answer,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          length += piece.length;
          if (length > longestBody) throw new Error('The file is larger than 4 GiB.');
          yield piece;
        }
      },
      createWriteStream(part, { mode: 0o700 }),
      { signal },
    );
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function basicOf({ authMethod, username, password }: HttpDownload): string | undefined {
  if (authMethod !== 'Basic') return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Answers a digest challenge (RFC 7616): MD5 or SHA-256, with `auth` or none as quality of protection. */
export function digestAuthorization(
  challenge: string,
  url: URL,
  who: { readonly username: string; readonly password: string },
  nonceOfOurs = randomBytes(16).toString('hex'),
): string {
  if (!/^digest /i.test(challenge)) throw new Error(`${url.origin} asks for another method than Digest.`);
  const said: Record<string, string> = {};
  for (const [, name, quoted, plain] of challenge.matchAll(/([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi))
    said[name!.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  const { realm = '', nonce = '', opaque, algorithm = 'MD5' } = said;
  const hashName = /^sha-256/i.test(algorithm) ? 'sha256' : 'md5';
  if (!/^(md5|sha-256)(-sess)?$/i.test(algorithm))
    throw new Error(`${url.origin} asks for the digest ${algorithm}; MD5 and SHA-256 are known here.`);
  const digest = (text: string) => createHash(hashName).update(text).digest('hex');
  const uri = `${url.pathname}${url.search}`;
  const session = /-sess$/i.test(algorithm) ? `:${nonce}:${nonceOfOurs}` : '';
  const secret = digest(`${who.username}:${realm}:${who.password}`);
  const first = session === '' ? secret : digest(`${secret}${session}`);
  const second = digest(`GET:${uri}`);
  const protects = said.qop?.split(',').some((one) => one.trim() === 'auth') ?? false;
  const count = '00000001';
  const response = protects
    ? digest(`${first}:${nonce}:${count}:${nonceOfOurs}:auth:${second}`)
    : digest(`${first}:${nonce}:${second}`);
  const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return [
    `Digest username=${quote(who.username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `algorithm=${algorithm}`,
    ...(protects ? ['qop=auth', `nc=${count}`] : []),
    ...(protects || session !== '' ? [`cnonce=${quote(nonceOfOurs)}`] : []),
    `response=${quote(response)}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ].join(', ');
}
