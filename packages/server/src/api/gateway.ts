/**
 * The message gateway's two faces: `POST /v1/control-channel/ID`, answered in XML, and the websocket on the
 * same path. Both are signed like any call; what flows over the socket is `channels`' business.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Channels, channelRefused, socketOptions } from '../channels/index.ts';
import { type Call, Refusal, type Source } from '../service/index.ts';
import { StoreUnavailable } from '../store/index.ts';
import { authorize } from './authorize.ts';
import { ClientGone, decodeBody, readBody } from './body.ts';
import type { CallDeps } from './calls.ts';
import { farewell, respond, respondUnread, storeSilent } from './respond.ts';

/** What the gateway needs beyond what every call needs. */
export interface GatewayDeps extends CallDeps {
  readonly channels: Channels;
}

// Ids become paths on the node and keys in the store: nothing but these characters is passed on.
const CHANNEL_PATH = /^\/v1\/(control-channel|data-channel)\/([A-Za-z0-9_.-]{1,96})$/;

/** Which channel a path names; undefined when it names none. */
export function parseChannelPath(
  path: string,
): { kind: 'control-channel' | 'data-channel'; id: string } | undefined {
  const match = CHANNEL_PATH.exec(path);
  if (!match || match[2]!.includes('..')) return undefined;
  return { kind: match[1] as 'control-channel' | 'data-channel', id: match[2]! };
}

/** Proves who calls, and that the caller is the node in the path and may use this channel. */
async function admit(
  deps: GatewayDeps,
  request: IncomingMessage,
  body: Buffer,
  source: Source,
  id: string,
  nodeId: string,
  operation: 'CreateControlChannel' | 'OpenControlChannel',
): Promise<Call> {
  const at = deps.clock.now();
  const proved = await deps.identity.authenticate({
    request,
    body,
    service: 'ssmmessages',
    nodeKeyAllowed: false,
    source,
    at,
  });
  deps.vouchFor(request.socket);
  const call: Call = {
    id,
    at,
    region: proved.region,
    account: deps.account,
    principal: proved.principal,
    source,
    operation: `ssmmessages:${operation}`,
    headers: request.headers as Readonly<Record<string, string | undefined>>,
  };
  if (call.principal.kind !== 'anonymous' && !deps.principals.take(call.principal.arn)) throw tooMany();
  try {
    await authorize(
      deps.identity,
      { by: 'own-node', action: call.operation, node: () => nodeId },
      call,
      undefined,
    );
  } catch (error) {
    if (error instanceof Refusal) deps.audit.refused(call, nodeId, error.code);
    throw error;
  }
  return call;
}

/** Answers `POST /v1/control-channel/ID`. */
export async function createChannel(
  deps: GatewayDeps,
  request: IncomingMessage,
  response: ServerResponse,
  source: Source,
  id: string,
  path: string,
): Promise<void> {
  try {
    const body = await readBody(request);
    const channel = parseChannelPath(path);
    if (!channel) throw new Refusal('ValidationException', 'The channel id in the path is not a valid id.');
    if (channel.kind === 'data-channel') deps.channels.createDataChannel();
    const call = await admit(deps, request, body, source, id, channel.id, 'CreateControlChannel');
    const answer = deps.channels.createControlChannel(call, channel.id, decodeBody(body));
    respond(response, answer.status, id, answer.body, { 'Content-Type': answer.contentType });
  } catch (error) {
    if (error instanceof ClientGone) return;
    const refusal = asRefusal(deps, error, id, path);
    knock(deps, refusal, source);
    const answer = channelRefused(refusal);
    if (refusal.status === 413) return respondUnread(deps.clock, request, response, { ...answer, id });
    respond(response, answer.status, id, answer.body, { 'Content-Type': answer.contentType });
  }
}

/** The caller, or the address it comes from, asks too often. */
function tooMany(): Refusal {
  return new Refusal('ThrottlingException', 'Rate exceeded. Wait a moment and try again.');
}

/** Serves websocket upgrades. */
export function openUpgrades(deps: GatewayDeps) {
  const sockets = new WebSocketServer(socketOptions);
  return async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    source: Source,
    id: string,
    path: string,
    welcome: boolean,
  ): Promise<void> => {
    const ignore = () => {};
    socket.on('error', ignore);
    try {
      if (!welcome) throw tooMany();
      const channel = parseChannelPath(path);
      if (!channel)
        throw new Refusal('UnknownOperationException', 'There is no channel of that name.', { status: 404 });
      if (channel.kind === 'data-channel') deps.channels.createDataChannel();
      const call = await admit(deps, request, Buffer.alloc(0), source, id, channel.id, 'OpenControlChannel');
      if (socket.destroyed) return;
      socket.off('error', ignore);
      sockets.handleUpgrade(request, socket, head, (ws) => deps.channels.accept(call, channel.id, ws));
    } catch (error) {
      const refusal = asRefusal(deps, error, id, path);
      knock(deps, refusal, source);
      const { body, contentType } = channelRefused(refusal);
      socket.end(
        `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: ${contentType}\r\nx-amzn-RequestId: ${id}\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      // Node has let go of an upgraded socket, its time-outs included: one that isn't read, and whose other end
      // stays, would be open for good.
      socket.resume();
      const patience = deps.clock.after(farewell, () => socket.destroy());
      socket.once('close', () => patience.cancel());
    }
  };
}

function asRefusal(deps: GatewayDeps, error: unknown, id: string, path: string): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof StoreUnavailable) {
    deps.log.warn({ id, path, reason: error.message }, 'a channel could not be opened');
    return new Refusal('ServiceUnavailable', storeSilent, { status: 503 });
  }
  deps.log.error({ id, path, err: error }, 'a channel request failed');
  return new Refusal('InternalServerError', `Something went wrong here; the log has it under ${id}.`, {
    status: 500,
  });
}

function knock(deps: GatewayDeps, refusal: Refusal, source: Source): void {
  if (!refusal.knock) return;
  deps.knocks.note({
    address: source.address,
    client: source.userAgent,
    layer: 'signature',
    ...(source.serverName === undefined ? {} : { serverName: source.serverName }),
    ...refusal.knock,
  });
}
