/** What answers over an open connection: the service, or something that stands in its place. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EndpointEvidence } from '@rollcall/diagnosis';
import { redactText, redactUrl } from '@rollcall/diagnosis/collected';
import { wordFor } from './connect.ts';

type HttpLayer = NonNullable<EndpointEvidence['http']>;
type WebsocketLayer = NonNullable<EndpointEvidence['websocket']>;

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  readonly upgraded: boolean;
}

/** The service's answer to a stranger who asks for a page. */
const greeting = /UnknownOperationException/;

/** Asks for `/`, as a person does who tries with curl. */
export async function askPage(socket: Duplex, target: URL, patience: number): Promise<HttpLayer> {
  const began = performance.now();
  const reply = await ask(socket, target, '/', {}, patience);
  const ms = Math.round(performance.now() - began);
  if ('error' in reply) return { ok: false, ms, ...reply };
  const { status, headers, body } = reply;
  const isService = greeting.test(body.slice(0, 2000));
  const date = Date.parse(String(headers.date ?? ''));
  const location = headers.location === undefined ? undefined : redactUrl(String(headers.location));
  const facts = {
    ms,
    status,
    isService,
    body: redactText(body.trim(), 200),
    ...(headers.server === undefined ? {} : { server: redactText(String(headers.server), 80) }),
    ...(Number.isNaN(date) ? {} : { date }),
    ...(location === undefined ? {} : { location }),
  };
  if (isService) return { ok: true, ...facts };
  const isPortal =
    status === 511 ||
    (status >= 300 && status < 400 && location !== undefined) ||
    (status === 200 && /<meta[^>]+http-equiv=["']?refresh|<form[^>]+(login|portal|password)/i.test(body));
  return { ok: false, error: isPortal ? 'captive-portal' : 'wrong-host', ...facts };
}

/**
 * Asks for a websocket without a signature. No channel has this name, so the service refuses, which proves that
 * the wish arrived; a plain page instead proves that somebody took the wish out.
 */
export async function askWebsocket(socket: Duplex, target: URL, patience: number): Promise<WebsocketLayer> {
  const began = performance.now();
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'cm9sbGNhbGwgZG9jdG9yIQ==',
  };
  const reply = await ask(socket, target, '/v1/control-channel/', headers, patience);
  const ms = Math.round(performance.now() - began);
  if ('error' in reply) return { ok: false, ms, ...reply };
  const { status, upgraded, body, headers: answered } = reply;
  if (upgraded) return { ok: true, ms, status };
  if (/^\s*<UnknownOperationException\s*\/>\s*$/.test(body))
    return { ok: false, ms, status, error: 'stripped' };
  // The service's refusals bear its request's id, whatever they say.
  const isService = answered['x-amzn-requestid'] !== undefined || /Exception\b/.test(body);
  if (isService && status >= 400 && status < 500) return { ok: true, ms, status };
  return { ok: false, ms, status, error: 'denied', detail: redactText(body.trim(), 120) };
}

function ask(
  socket: Duplex,
  target: URL,
  path: string,
  headers: Record<string, string>,
  patience: number,
): Promise<Reply | { error: string; detail?: string }> {
  return new Promise((resolve) => {
    const call = request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: { Host: target.host, 'User-Agent': 'rollcall-doctor', Accept: '*/*', ...headers },
    });
    const end = (reply: Reply | { error: string; detail?: string }) => {
      clearTimeout(timer);
      call.destroy();
      // Node can't bear it when more comes for a request that has ended.
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => end({ error: 'timeout' }), Math.max(0, patience));
    call.on('error', (error: NodeJS.ErrnoException) => {
      const malformed = error.code?.startsWith('HPE_') ?? false;
      end({ error: malformed ? 'malformed' : wordFor(error), detail: error.code ?? 'failed' });
    });
    call.on('upgrade', (response) =>
      end({ status: response.statusCode ?? 0, headers: response.headers, body: '', upgraded: true }),
    );
    call.on('response', (response) => {
      let body = '';
      const done = () =>
        end({ status: response.statusCode ?? 0, headers: response.headers, body, upgraded: false });
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
        if (body.length > 16_384) done();
      });
      response.on('end', done);
      response.on('error', done);
    });
    call.end();
  });
}
