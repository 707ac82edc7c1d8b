/**
 * The answers of the message gateway's HTTP half: JSON comes in, XML goes out.
 */
import { channelError, createControlChannelResponse } from '@rollcall/wire';
import type { Refusal } from '../service/index.ts';

/** An HTTP answer, ready to be sent. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const contentType = 'application/xml';

/** The answer that grants a control channel. The official agent (3.3.0.0) insists on 201 and on XML. */
export function channelCreated(token: string): HttpAnswer {
  return { status: 201, contentType, body: createControlChannelResponse(token) };
}

/**
 * A refusal, as the gateway words it. The official agent (3.3.0.0) looks for the very text
 * `<AccessDeniedException>` and then falls back to polling; anything else makes it try again. So only
 * a refusal with that code may carry it, and nothing in this folder throws one.
 */
export function channelRefused(refusal: Refusal): HttpAnswer {
  return { status: refusal.status, contentType, body: channelError(refusal.code, refusal.message) };
}
