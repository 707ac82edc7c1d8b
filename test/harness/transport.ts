/**
 * The connections of a fleet of simulated agents: calls share a few, each channel has its own, and all of
 * them share one TLS context, since a thousand copies of one CA are a thousand times its memory.
 */
import http from 'node:http';
import https from 'node:https';
import { createSecureContext } from 'node:tls';
import { WebSocket } from 'ws';

/** A call that was answered with an error, or not at all. */
export class CallError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number) {
    super(`${code} (${status})`);
    this.code = code;
    this.status = status;
  }
}

export interface TransportOptions {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly connections: number;
}

/** How the agents of a fleet reach the server. */
export interface Transport {
  /** Posts and reads the whole answer; a poll has a connection of its own and more patience. */
  post(request: {
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly polls?: boolean;
  }): Promise<{ status: number; body: string }>;
  /** Begins a websocket. */
  dial(path: string, headers: Record<string, string>): WebSocket;
  close(): void;
}

/** The time-outs of amazon-ssm-agent 3.3.0.0: 15 s for a control channel, 20 s for a poll. */
const callTimeout = 15_000;
const pollTimeout = 20_000;

/** Opens the connections of a fleet. */
export function openTransport(options: TransportOptions): Transport {
  const { hostname, port, protocol, host } = new URL(options.url);
  const secure = protocol === 'https:';
  const trust =
    secure && options.ca !== undefined ? { secureContext: createSecureContext({ ca: options.ca }) } : {};
  const agentOf = (maxSockets: number) =>
    secure
      ? // Machines know nothing of each other's TLS sessions: every handshake is a full one.
        new https.Agent({ keepAlive: true, maxSockets, maxCachedSessions: 0, ...trust })
      : new http.Agent({ keepAlive: true, maxSockets });
  const calls = agentOf(options.connections);
  const polls = agentOf(Number.POSITIVE_INFINITY);
  const target = { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port || (secure ? 443 : 80) };

  return {
    post: ({ path, headers, body, polls: isPoll = false }) =>
      new Promise((resolve, reject) => {
        const request = (secure ? https : http).request({
          ...target,
          method: 'POST',
          path,
          headers: { host, 'user-agent': 'aws-sdk-go/1.51.20 (simulated)', ...headers },
          agent: isPoll ? polls : calls,
          timeout: isPoll ? pollTimeout : callTimeout,
        });
        request.on('timeout', () => request.destroy(new CallError('TimedOut', 0)));
        request.on('error', reject);
        request.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
          );
        });
        request.end(body);
      }),
    dial: (path, headers) =>
      new WebSocket(`${secure ? 'wss' : 'ws'}://${host}${path}`, {
        headers: { 'user-agent': 'Go-http-client/1.1', ...headers },
        perMessageDeflate: false,
        handshakeTimeout: callTimeout,
        ...trust,
      }),
    close() {
      calls.destroy();
      polls.destroy();
    },
  };
}
