/**
 * Reading a request's body: bounded in size and in time, and always UTF-8. A client that sends too much or
 * too slowly is told so and let go.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../service/index.ts';

/** The largest body that any operation served today takes, in bytes. */
export const BODY_LIMIT = 1024 * 1024;

/** Reads the whole body. Rejects with a `Refusal` when it is too large, or with `ClientGone`. */
export function readBody(request: IncomingMessage, limit = BODY_LIMIT): Promise<Buffer> {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limit) {
    return Promise.reject(tooLarge(limit));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.removeAllListeners('data');
        request.pause();
        reject(tooLarge(limit));
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    request.on('error', () => reject(new ClientGone()));
    request.on('close', () => {
      if (!request.complete) reject(new ClientGone());
    });
  });
}

/** The client closed the connection before its request was complete; there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection before its request was complete');
    this.name = 'ClientGone';
  }
}

function tooLarge(limit: number): Refusal {
  return new Refusal('RequestEntityTooLargeException', `The request body is larger than ${limit} bytes.`, {
    status: 413,
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes a body strictly. Throws a `Refusal` when it isn't UTF-8. */
export function decodeBody(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new Refusal('SerializationException', 'The request body is not valid UTF-8.');
  }
}
