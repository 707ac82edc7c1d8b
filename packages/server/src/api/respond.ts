/**
 * Writing answers: AWS JSON 1.1 and XML, errors in the form that the service's clients read, and the
 * unsigned greeting that a person's `curl` gets. No other file writes to a response.
 */
import type { ServerResponse } from 'node:http';

const JSON_TYPE = 'application/x-amz-json-1.1';

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

/** An error as AWS JSON 1.1 has it, where no model is at hand (unknown operations, broken requests). */
export function plainError(code: string, message: string): string {
  return JSON.stringify({ __type: code, message });
}

/** What strangers hear when the store doesn't answer. */
export const storeSilent =
  "The server's database doesn't answer at the moment. Try again; the server's log says why.";

/** The 29 bytes that AWS answers to a `GET /` that isn't signed: what the documentation tells people to look for. */
export const UNKNOWN_OPERATION = '<UnknownOperationException/>\n';
