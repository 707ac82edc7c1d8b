/**
 * One visit to the server: a single TLS connection that carries a few requests one after the other and then
 * ends, or becomes the control channel's websocket.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, type RequestOptions, request } from 'node:https';
import type { Socket } from 'node:net';
import { getCACertificates, rootCertificates } from 'node:tls';
import { WebSocket } from 'ws';
import type { Clock } from './clock.ts';
import { ConnectionError, explainFailure, ServerRefusal } from './failures.ts';

/** The way to a server, and what makes it the right one. */
export interface Route {
  readonly serverUrl: string;
  /** PEM certificates; undefined: those that the system and Node trust. */
  readonly trust: readonly string[] | undefined;
  readonly proxy?: string | undefined;
  readonly noProxy?: readonly string[] | undefined;
}

/** A request, complete with its signature. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until it is given up; 15 s unless told. */
  readonly timeout?: number;
}

/** An answer, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An open visit. */
export interface Visit {
  /** @throws ConnectionError when there is no answer. */
  ask(question: Question): Promise<Answer>;
  /**
   * Turns the visit's connection into a websocket.
   * @throws ConnectionError; `layer` is `http` when there was an answer, but no upgrade.
   */
  upgrade(path: string, headers: Readonly<Record<string, string>>): Promise<WebSocket>;
  /** The address on this side of the connection, once there is one. */
  localAddress(): string | undefined;
  /** Ends the connection, unless it has become a websocket. */
  close(): void;
}

/** No answer of the server's is longer; what is, isn't the server's. */
const longestBody = 4 * 1024 * 1024;
/** A control message is at most 142,000 bytes with the official agent; twice that leaves room. */
const longestFrame = 288 * 1024;

/** Begins a visit. Nothing is sent until something is asked. */
export function openVisit(route: Route, clock: Clock): Visit {
  const url = new URL(route.serverUrl);
  const where = url.host;
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1, ...proxyAgentOptions(route) });
  const tls = tlsFor(route);
  const open = new Set<ClientRequest>();
  let localAddress: string | undefined;
  const noteSocket = (socket: Socket) => {
    const note = () => {
      localAddress ??= socket.localAddress;
    };
    if (socket.localAddress === undefined) socket.once('connect', note);
    else note();
  };

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const options: RequestOptions = {
          ...tls,
          agent,
          host: bareHost(url),
          port: url.port || 443,
          method: question.method,
          path: question.path,
          headers: {
            ...question.headers,
            ...(question.body === undefined
              ? {}
              : { 'content-length': String(Buffer.byteLength(question.body)) }),
          },
        };
        const fail = (error: unknown) => {
          timer.cancel();
          reject(explainFailure(error, where));
        };
        const call = request(options, (response) => {
          const parts: Buffer[] = [];
          let length = 0;
          response.on('data', (part: Buffer) => {
            parts.push(part);
            length += part.length;
            if (length > longestBody)
              call.destroy(new ConnectionError('http', 'TOO_LONG', `${where}: the answer is too long.`));
          });
          response.on('error', fail);
          response.on('end', () => {
            timer.cancel();
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(parts).toString('utf8'),
            });
          });
        });
        const timer = clock.after(question.timeout ?? 15_000, () => {
          call.destroy(
            new ConnectionError(
              'connection',
              'ETIMEDOUT',
              `${where}: no answer within the time allowed (ETIMEDOUT).`,
            ),
          );
        });
        open.add(call);
        call.on('socket', noteSocket);
        call.on('error', fail);
        call.on('close', () => open.delete(call));
        call.end(question.body);
      }),

    upgrade: (path, headers) =>
      new Promise((resolve, reject) => {
        const { host: _, ...rest } = headers;
        const socket = new WebSocket(`wss://${url.host}${path}`, {
          ...tls,
          agent,
          headers: rest,
          perMessageDeflate: false,
          maxPayload: longestFrame,
          handshakeTimeout: 15_000,
        });
        const fail = (error: unknown) => {
          socket.on('error', () => {});
          socket.terminate();
          reject(explainFailure(error, where));
        };
        socket.once('open', () => {
          socket.off('error', fail);
          resolve(socket);
        });
        socket.once('unexpected-response', (call, response) => {
          void beginning(response).then((body) => {
            call.destroy();
            fail(refusedUpgrade(where, response.statusCode ?? 0, body));
          });
        });
        socket.once('error', fail);
      }),

    localAddress: () => localAddress,
    close() {
      // A request that still looks for an address has no socket that the agent could destroy.
      for (const call of open) call.destroy();
      agent.destroy();
    },
  };
}

/** What an answer says first; at most so much, and not for long. */
async function beginning(response: IncomingMessage): Promise<string> {
  const timer = setTimeout(() => response.destroy(), 3000);
  let said = '';
  try {
    for await (const chunk of response) {
      said += chunk;
      if (said.length > 4096) break;
    }
  } catch {
    // What had arrived by then is what it said.
  } finally {
    clearTimeout(timer);
  }
  return said;
}

/** Why no websocket came about: the service says no in words of its own, anything on the way says something else. */
function refusedUpgrade(where: string, status: number, body: string): Error {
  const denial = /[^<>"{}\n]*is not authorized to perform[^<>"{}\n]*/.exec(body)?.[0].trim().slice(0, 400);
  if (denial !== undefined) return new ServerRefusal('AccessDeniedException', denial, status);
  const message = `${where}: the websocket was answered with HTTP ${status}; something on the way may not let websockets through.`;
  return new ConnectionError('http', `HTTP ${status}`, message);
}

/** The TLS side of every connection: only what is passed in counts, whatever the environment says. */
export function tlsFor(route: Pick<Route, 'trust'>): RequestOptions {
  return {
    ca: route.trust ? [...route.trust] : systemTrust(),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    // An address family that leads nowhere is given up after 3 s, not after the default quarter second, which
    // is less than a far or busy network may need.
    autoSelectFamilyAttemptTimeout: 3000,
  } as RequestOptions;
}

/** A host name as sockets want it: without the brackets of an IPv6 address. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The proxy of a route, as Node's agents take it: in variables of these names, here not from the environment. */
export function proxyAgentOptions({ proxy, noProxy }: Pick<Route, 'proxy' | 'noProxy'>): AgentOptions {
  if (proxy === undefined) return {};
  return { proxyEnv: { HTTPS_PROXY: proxy, ...(noProxy?.length ? { NO_PROXY: noProxy.join(',') } : {}) } };
}

let systemCertificates: string[] | undefined;
function systemTrust(): string[] {
  // `default` would add NODE_EXTRA_CA_CERTS.
  systemCertificates ??= [...new Set([...rootCertificates, ...getCACertificates('system')])];
  return systemCertificates;
}
