/** Requests as bytes, signed beforehand: what `load.ts` sends. */
import { signRequest } from '@rollcall/wire';
import { region } from './books.ts';

/** One call to be signed. */
export interface CallToSign {
  readonly port: number;
  /** `AmazonSSM.` and the operation. */
  readonly target: string;
  readonly body: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly userAgent: string;
  /** Milliseconds since the epoch; a signature is good for five minutes. */
  readonly at: number;
}

/** The bytes of one request. */
export function requestBytes({ port, target, body, credentials, userAgent, at }: CallToSign): Buffer {
  const headers = signRequest({
    method: 'POST',
    url: `https://localhost:${port}/`,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': target,
      'user-agent': userAgent,
      'accept-encoding': 'gzip',
    },
    body,
    credentials,
    region,
    service: 'ssm',
    at,
  });
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST / HTTP/1.1\r\n${head.join('')}\r\n${body}`);
}

/** Many of them in one file, each after its length. */
export function pack(requests: Iterable<Buffer>): Buffer {
  const parts: Buffer[] = [];
  for (const request of requests) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(request.length);
    parts.push(length, request);
  }
  return Buffer.concat(parts);
}
