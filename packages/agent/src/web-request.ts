/** Requests to others than our server: trusting whom the system trusts, through the agent's proxy. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { bareHost, proxyAgentOptions, type Route, tlsFor } from './visit.ts';

/** The agent's proxy, if it has one. */
export type Way = Pick<Route, 'proxy' | 'noProxy'>;

/** How a request is made; its body is the caller's to write. */
export interface WebRequest {
  readonly method: 'GET' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly way: Way;
  readonly signal: AbortSignal;
  /** Milliseconds without a sign of life after which it is given up. */
  readonly patience: number;
}

/** Begins a request over HTTP or HTTPS. Rejects with a sentence that names the host. */
export async function webRequest(
  web: WebRequest,
  begun: (call: ClientRequest) => void,
): Promise<IncomingMessage> {
  const { url, way, signal } = web;
  const secure = url.protocol === 'https:';
  const { request, Agent } = secure ? await import('node:https') : await import('node:http');
  const { proxyEnv } = proxyAgentOptions(way);
  const agent = new Agent(proxyEnv && { proxyEnv: { ...proxyEnv, HTTP_PROXY: proxyEnv.HTTPS_PROXY } });
  const options: RequestOptions = {
    ...(secure ? tlsFor({ trust: undefined }) : {}),
    agent,
    method: web.method,
    host: bareHost(url),
    port: url.port || (secure ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    headers: { ...web.headers },
    signal,
  };
  return new Promise((resolve, reject) => {
    const call = request(options, resolve);
    call.setTimeout(web.patience, () => call.destroy(new Error('there is no answer')));
    call.on('error', (error: Error) => reject(new Error(`${url.host}: ${error.message}.`)));
    begun(call);
  });
}
