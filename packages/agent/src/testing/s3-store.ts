/** A store that speaks as much S3 as putting objects needs, and takes only what is signed as S3 wants it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  canonicalRequest,
  hmacSignature,
  readSignature,
  sha256Hex,
  signingKey,
  stringToSign,
} from '@rollcall/wire';
import type { S3Config } from '../config.ts';

/** Starts the store on a free port of loopback. */
export async function startS3Store() {
  const objects = new Map<string, { body: Buffer; headers: Record<string, unknown> }>();
  const state = { refuses: undefined as { status: number; code: string } | undefined };
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      // As a proxy is asked, it gets the whole URL.
      const [path = '/', query = ''] = (request.url ?? '/').replace(/^http:\/\/[^/]+/, '').split('?');
      const refuse = (status: number, code: string) =>
        response.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
      if (state.refuses) return refuse(state.refuses.status, state.refuses.code);
      const asked = { method: request.method ?? '', path, query, headers: request.headers };
      const { authorization, at } = readSignature(asked);
      const hash = String(request.headers['x-amz-content-sha256']);
      if (hash !== sha256Hex(body)) return refuse(400, 'XAmzContentSHA256Mismatch');
      // S3 refuses headers of its own that aren't signed.
      const unsigned = Object.keys(request.headers).filter(
        (name) => name.startsWith('x-amz-') && !authorization.signedHeaders.includes(name),
      );
      if (unsigned.length > 0) return refuse(403, 'AccessDenied');
      const { date, region, service, signedHeaders } = authorization;
      const canonical = canonicalRequest(asked, [...signedHeaders], hash, 's3');
      const expected = hmacSignature(
        signingKey(secret, date, region, service),
        stringToSign(at, authorization, canonical),
      );
      if (service !== 's3' || expected !== authorization.signature)
        return refuse(403, 'SignatureDoesNotMatch');
      objects.set(`${request.headers.host?.split(':')[0]} ${decodeURIComponent(path)}`, {
        body,
        headers: request.headers,
      });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config: S3Config = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: secret,
  };
  return {
    config,
    port,
    objects,
    state,
    /** The text of an object, by its path. */
    text: (path: string, host = '127.0.0.1') => objects.get(`${host} ${path}`)?.body.toString('utf8'),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** {@link startS3Store}. */
export type S3Store = Awaited<ReturnType<typeof startS3Store>>;
