/** Puts whole output streams into a store that speaks S3, signed with Signature Version 4. */
import { createHash } from 'node:crypto';
import type { ClientRequest } from 'node:http';
import {
  algorithm,
  amzDate,
  canonicalRequest,
  hmacSignature,
  scopeText,
  signingKey,
  stringToSign,
} from '@rollcall/wire';
import type { Clock } from '../clock.ts';
import type { S3Config } from '../config.ts';
import { type Way, webRequest } from '../web-request.ts';
import type { Capture } from './capture.ts';

/** A store, and the way there. */
export interface S3Store {
  readonly config: S3Config;
  readonly way: Way;
  readonly clock: Clock;
}

const pieceLength = 256 * 1024;
/** A store that says nothing for so long (ms) is given up; so is one that takes longer altogether. */
const patience = 10_000;
const longest = 60_000;

/**
 * Puts a stream under a key.
 * @throws Error with a sentence that says what went wrong.
 */
export async function putObject(
  store: S3Store,
  bucket: string,
  key: string,
  content: Capture,
): Promise<void> {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new Error(`${bucket} is not the name of a bucket.`);
  // In a URL these would lead out of the bucket: into others, with this node's keys.
  if (key.split('/').some((part) => part === '.' || part === '..'))
    throw new Error(`${key} has a part in it that is "." or "..": such keys aren't written.`);
  const url = objectUrl(store.config, bucket, key);
  const hash = createHash('sha256');
  for await (const piece of content.pieces(pieceLength)) hash.update(piece);
  const answer = await webRequest(
    {
      method: 'PUT',
      url,
      headers: signedHeaders(store, url, hash.digest('hex'), content.size),
      way: store.way,
      signal: AbortSignal.timeout(longest),
      patience,
    },
    (call) => void send(call, content).catch((error: Error) => call.destroy(error)),
  );
  const parts: Buffer[] = [];
  for await (const part of answer) if (parts.length < 16) parts.push(part as Buffer);
  if (answer.statusCode === 200) return;
  const said = /<Code>([^<]{1,100})<\/Code>/.exec(Buffer.concat(parts).toString('utf8'))?.[1];
  throw new Error(`${url.host} answered with HTTP ${answer.statusCode}${said ? ` ${said}` : ''}.`);
}

async function send(call: ClientRequest, content: Capture): Promise<void> {
  for await (const piece of content.pieces(pieceLength)) {
    if (call.destroyed) return;
    if (!call.write(piece)) {
      await new Promise((resolve) => {
        call.once('drain', resolve);
        call.once('close', resolve);
      });
    }
  }
  call.end();
}

function objectUrl({ endpoint, virtualHosted }: S3Config, bucket: string, key: string): URL {
  const url = new URL(endpoint);
  const path = key.split('/').map(encodePart).join('/');
  if (virtualHosted === true) url.host = `${bucket}.${url.host}`;
  url.pathname = virtualHosted === true ? `/${path}` : `/${bucket}/${path}`;
  return url;
}

/** As S3 signs paths: everything is encoded, once, that isn't unreserved. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** S3 wants the hash of what is sent among the signed headers, where other services leave it out. */
function signedHeaders(
  store: S3Store,
  url: URL,
  payloadHash: string,
  length: number,
): Record<string, string> {
  const { region, accessKeyId, secretAccessKey, sessionToken } = store.config;
  const at = amzDate(store.clock.now());
  const headers: Record<string, string> = {
    'content-length': String(length),
    'content-type': 'text/plain',
    host: url.host,
    'x-amz-acl': 'bucket-owner-full-control',
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': at,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const scope = { date: at.slice(0, 8), region, service: 's3' };
  const parts = { method: 'PUT', path: url.pathname, query: '', headers };
  const canonical = canonicalRequest(parts, names, payloadHash, 's3');
  const key = signingKey(secretAccessKey, scope.date, region, 's3');
  const signature = hmacSignature(key, stringToSign(at, scope, canonical));
  return {
    ...headers,
    authorization: `${algorithm} Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}
