/**
 * Writing answers: AWS JSON 1.1 and XML, errors in the form that the service's clients read, and the
 * unsigned greeting that a person's `curl` gets. No other file writes to a response.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';

export const JSON_TYPE = 'application/x-amz-json-1.1';

/** Answers with a body that is ready, and the request's id. */
export function respond(
  response: ServerResponse,
  status: number,
  id: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'x-amzn-RequestId': id,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Answers with an AWS JSON 1.1 body. */
export function respondJson(
  response: ServerResponse,
  status: number,
  id: string,
  body: string,
  headers?: Readonly<Record<string, string>>,
): void {
  respond(response, status, id, body, { 'Content-Type': JSON_TYPE, ...headers });
}

/** How long a client that was refused may take to hear it and hang up, in milliseconds. */
export const farewell = 2_000;
/** How much of a body that nobody wants is taken in, in bytes. */
const mostUnread = 16 * 1024 * 1024;

/**
 * Answers while the body still comes, and takes the connection down after it. Most clients read only when they have
 * sent everything: with what they sent unread, closing resets the connection, and they never learn why.
 */
export function respondUnread(
  clock: Clock,
  request: IncomingMessage,
  response: ServerResponse,
  answer: { status: number; id: string; body: string; contentType: string },
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, {
    'x-amzn-RequestId': answer.id,
    'Content-Type': answer.contentType,
    'Content-Length': Buffer.byteLength(answer.body),
    Connection: 'close',
  });
  // All that there is to say, but not the end: with that, Node hangs up.
  response.write(answer.body);
  let left = mostUnread;
  const end = () => response.end();
  const patience = clock.after(farewell, end);
  response.once('close', () => patience.cancel());
  request.once('end', end);
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  request.resume();
}

/** An error as AWS JSON 1.1 has it, where no model is at hand (unknown operations, broken requests). */
export function plainError(code: string, message: string): string {
  return JSON.stringify({ __type: code, message });
}

/** What strangers hear when the store doesn't answer. */
export const storeSilent =
  "The server's database doesn't answer at the moment. Try again; the server's log says why.";

/** The 29 bytes that AWS answers to a `GET /` that isn't signed: what the documentation tells people to look for. */
export const UNKNOWN_OPERATION = '<UnknownOperationException/>\n';
