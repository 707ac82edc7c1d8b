/**
 * Calls of AWS services that aren't ours. A shell that was pointed here sends all its calls here; each client
 * is told so in the form that it can read, instead of failing to parse an answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeXml } from '@rollcall/wire';
import { respond } from './respond.ts';

const code = 'UnknownOperationException';
const ours = new Set(['ssm', 'ssmmessages', 'ec2messages', 'rollcall']);

/**
 * The service that a request was signed for, when it isn't one of ours; undefined for all else. What names one of
 * our operations is left to authentication, which has a code for a wrong service.
 */
export function foreignService(request: IncomingMessage): string | undefined {
  if (
    /^(AmazonSSM|EC2WindowsMessageDeliveryService|Rollcall)\./.test(String(request.headers['x-amz-target']))
  ) {
    return undefined;
  }
  const scope =
    /^AWS4-HMAC-SHA256 Credential=[^/,\s]+\/\d{8}\/[^/,\s]+\/([a-z0-9-]{1,40})\/aws4_request/.exec(
      request.headers.authorization ?? '',
    );
  const service = scope?.[1];
  return service === undefined || ours.has(service) ? undefined : service;
}

/** Answers such a call: not served here, and how to reach AWS again. Nothing of it is believed or done. */
export function answerForeign(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  service: string,
): void {
  const message =
    `This is a Rollcall server: it doesn't serve ${service}. AWS calls of this shell come here; ` +
    `to reach AWS again: eval "$(rollcall env --off)"`;
  const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '');
  const body = xmlBody(service, isForm, id, message);
  respond(response, 404, id, body ?? JSON.stringify({ __type: code, message }), {
    'Content-Type': body === undefined ? 'application/json' : 'application/xml',
    'x-amzn-ErrorType': code,
  });
}

/** The three forms of XML errors; undefined for services that speak JSON. */
function xmlBody(service: string, isForm: boolean, id: string, message: string): string | undefined {
  const error = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>`;
  if (service === 's3') return `<Error>${error}<RequestId>${id}</RequestId></Error>`;
  if (service === 'ec2') {
    return `<Response><Errors><Error>${error}</Error></Errors><RequestID>${id}</RequestID></Response>`;
  }
  if (!isForm) return undefined;
  return `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>${id}</RequestId></ErrorResponse>`;
}
