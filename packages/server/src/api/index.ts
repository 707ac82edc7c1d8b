/**
 * The door: everything that comes in over the one port, told apart by method, path and target, and handed to
 * whoever answers it. It knows the operations only as a table.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sourceOf as sourceKey } from '../knocks/index.ts';
import type { AnyOperation, Source } from '../service/index.ts';
import { answerCall, type CallDeps, indexOperations } from './calls.ts';
import { answerForeign, foreignService } from './foreign.ts';
import { createChannel, type GatewayDeps, openUpgrades, parseChannelPath } from './gateway.ts';
import { answerPage, type PageDeps } from './pages.ts';
import { plainError, respondJson } from './respond.ts';
import type { Throttle } from './throttle.ts';

export {
  addressOf,
  ListenError,
  type Listener,
  type ListenerKnock,
  listeningError,
  openListener,
  visitorOf,
} from './listener/index.ts';
export { type Metrics, openMetrics, serveMetrics } from './metrics.ts';
export { ownOperations } from './operations.ts';
export type { Page } from './pages.ts';
export { respond } from './respond.ts';
export { openThrottle } from './throttle.ts';

/** What the door needs. */
export interface ApiDeps extends CallDeps, GatewayDeps, PageDeps {
  readonly operations: readonly AnyOperation[];
  /** Limits those who haven't said who they are, by address. */
  readonly sources: Throttle;
  /** The client's address and TLS name, as the listener saw them. */
  sourceOf(socket: Socket): Pick<Source, 'address' | 'port' | 'serverName'>;
}

/** The door. */
export interface Api {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** What is served, as `service:Operation`, sorted. */
  readonly served: readonly string[];
  /** The same, with the rule of each. */
  readonly rules: ReadonlyMap<string, Pick<AnyOperation, 'access' | 'changes'>>;
}

/** Opens the door. */
export function openApi(deps: ApiDeps): Api {
  const table = indexOperations(deps.operations);
  const upgrade = openUpgrades(deps);

  const sourceOf = (request: IncomingMessage): Source => ({
    ...deps.sourceOf(request.socket as Socket),
    userAgent: String(request.headers['user-agent'] ?? '').slice(0, 200),
  });
  const welcome = (source: Source) => deps.sources.take(sourceKey(source.address));

  return {
    served: [...table.keys()].sort(),
    rules: table,
    request(request, response) {
      const id = randomUUID();
      const url = request.url ?? '/';
      const mark = url.indexOf('?');
      const path = mark < 0 ? url : url.slice(0, mark);
      const source = sourceOf(request);
      const isCall = request.method === 'POST' && path === '/';
      const isChannel = request.method === 'POST' && parseChannelPath(path) !== undefined;
      // Nobody looks at the signature of a page.
      if (!((isCall || isChannel) && saysWho(request)) && !welcome(source)) {
        const text = plainError(
          'ThrottlingException',
          'Too many unsigned requests from this address. Wait a moment.',
        );
        return respondJson(response, 400, id, text, { 'Retry-After': '1' });
      }
      const foreign = isChannel ? undefined : foreignService(request);
      if (foreign !== undefined) {
        request.resume();
        return answerForeign(request, response, id, foreign);
      }
      const answer = () => {
        if (isCall) return answerCall(deps, table, request, response, source, id);
        if (isChannel) return createChannel(deps, request, response, source, id, path);
        request.resume();
        return answerPage(deps, request, response, id, path);
      };
      // A bug in one answer must not end the process for everybody else.
      void answer().catch((error: unknown) => {
        deps.log.error({ id, path, err: error }, 'a request failed');
        respondJson(response, 500, id, plainError('InternalServerError', `The log has it under ${id}.`));
      });
    },
    upgrade(request, socket, head) {
      const url = request.url ?? '/';
      const mark = url.indexOf('?');
      const path = mark < 0 ? url : url.slice(0, mark);
      const source = sourceOf(request);
      const id = randomUUID();
      const mayAsk = saysWho(request) || welcome(source);
      void upgrade(request, socket, head, source, id, path, mayAsk).catch((error: unknown) => {
        deps.log.error({ id, path, err: error }, 'an upgrade failed');
        socket.destroy();
      });
    },
  };
}

/** Whether a request claims to be signed; if it isn't truly, whoever verifies it says so. */
function saysWho(request: IncomingMessage): boolean {
  return request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') ?? false;
}
