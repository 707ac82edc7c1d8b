/**
 * A server small enough to be read: it registers, gives credentials, takes heartbeats, opens control channels
 * and answers polls; it checks the signatures of all of them, and does on request what a bad day does.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import {
  type AgentJobAck,
  type AgentJobReply,
  type CommandReply,
  canonicalRequest,
  createControlChannelResponse,
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  frameMessage,
  hmacSignature,
  messageFrame,
  readPublicKey,
  readSignature,
  sha256Hex,
  signingKey,
  stringToSign,
  verifyRsaSignature,
} from '@rollcall/wire';
import { type WebSocket, WebSocketServer } from 'ws';
import { authority, serverTls } from './certificates.ts';

/** Something the server does instead of answering as usual. */
export type Mischief =
  | { status: number; code: string; headers?: Record<string, string>; xml?: boolean }
  | 'drop'
  | 'drop-after-work';

/** One call that came, after its signature was found good. */
export interface Seen {
  readonly name: string;
  readonly body: Record<string, unknown>;
  readonly headers: IncomingMessage['headers'];
  readonly connection: number;
}

/** One reply to a command, by whichever way it came. */
export interface SeenReply {
  readonly id: string;
  readonly jobId: string;
  readonly content: CommandReply;
  readonly by: 'channel' | 'polling';
}

/** Starts the server on a free port of loopback. */
export async function startFakeServer(
  options: { tls?: { key: string; cert: string }; port?: number; ca?: string } = {},
) {
  const calls: Seen[] = [];
  const frames: Frame[] = [];
  const hellos: Record<string, unknown>[] = [];
  const keys = new Map<string, string>();
  const mischief = new Map<string, Mischief>();
  const sockets = new Set<WebSocket>();
  const arrivals = new Set<() => void>();
  const state = {
    handshakes: 0,
    slotsUsed: 0,
    lifeSeconds: 3600,
    updateKeyPair: false,
    clockAhead: 0,
    announce: undefined as string | undefined,
    messages: [] as object[],
    knowsNodes: true,
    secret: 'secret',
    acknowledgesReplies: true,
    /** By name; a text is JSON unless it doesn't begin with a brace. */
    documents: {} as Record<string, string>,
    /** Bytes that are kept of a stream. */
    outputLimit: 64 * 1024 * 1024,
  };
  const replies: SeenReply[] = [];
  /** By command, step and stream. */
  const outputs = new Map<string, Buffer>();
  const arrived = () => {
    for (const check of [...arrivals]) check();
  };

  const server = createServer(options.tls ?? serverTls, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => answer(request, Buffer.concat(parts).toString('utf8'), response));
  });
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  server.on('secureConnection', (socket) => {
    state.handshakes += 1;
    connections += 1;
    numbers.set(socket, connections);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});

  function answer(request: IncomingMessage, text: string, response: ServerResponse): void {
    const path = request.url ?? '/';
    const name = String(request.headers['x-amz-target'] ?? `${request.method} ${path}`).replace(/^\w+\./, '');
    response.setHeader('date', new Date(Date.now() + state.clockAhead).toUTCString());
    if (path === '/ca.pem') {
      response.end(options.ca ?? authority);
      return;
    }
    const trick = mischief.get(name) ?? mischief.get('*');
    if (trick === 'drop') {
      request.socket.destroy();
      return;
    }
    if (typeof trick === 'object') {
      refuse(response, trick);
      return;
    }
    const body = text === '' ? {} : JSON.parse(text);
    const wrong =
      name === 'RegisterManagedInstance' || (path === '/' && request.method === 'GET')
        ? undefined
        : checkSignature(request, text);
    if (wrong) {
      refuse(response, { status: 400, code: wrong });
      return;
    }
    const reply = work(name, body);
    calls.push({ name, body, headers: request.headers, connection: numbers.get(request.socket) ?? 0 });
    if (trick === 'drop-after-work') request.socket.destroy();
    else if (reply === undefined) refuse(response, { status: 404, code: 'UnknownOperationException' });
    else if (typeof reply === 'string')
      response.writeHead(201, { 'content-type': 'application/xml' }).end(reply);
    else {
      if (name === 'UpdateInstanceInformation' && state.announce)
        response.setHeader('x-rollcall-trust', state.announce);
      response.end(JSON.stringify(reply));
    }
    arrived();
  }

  function work(name: string, body: Record<string, unknown>): object | string | undefined {
    switch (name) {
      case 'RegisterManagedInstance': {
        const key = String(body.PublicKey);
        const known = [...keys].find(([, existing]) => existing === key)?.[0];
        if (known === undefined) state.slotsUsed += 1;
        const id = known ?? `mi-${String(keys.size + 1).padStart(17, '0')}`;
        keys.set(id, key);
        return { InstanceId: id };
      }
      case 'RequestManagedInstanceRoleToken': {
        const expires = Math.round((Date.now() + state.clockAhead) / 1000) + state.lifeSeconds;
        return {
          AccessKeyId: 'ASIATEST',
          SecretAccessKey: state.secret,
          SessionToken: 'token',
          TokenExpirationDate: expires,
          UpdateKeyPair: state.updateKeyPair,
        };
      }
      case 'UpdateManagedInstancePublicKey': {
        keys.set([...keys.keys()][0]!, String(body.NewPublicKey));
        state.updateKeyPair = false;
        return {};
      }
      case 'GetMessages':
        return {
          Destination: body.Destination,
          MessagesRequestId: body.MessagesRequestId,
          Messages: state.messages.splice(0),
        };
      case 'SendReply':
        replies.push({
          id: String(body.ReplyId),
          jobId: String(body.MessageId),
          content: JSON.parse(String(body.Payload)),
          by: 'polling',
        });
        return {};
      case 'GetDocument': {
        const content = state.documents[String(body.Name)];
        if (content === undefined) return undefined;
        return { Content: content, DocumentFormat: content.startsWith('{') ? 'JSON' : 'YAML' };
      }
      case 'PutCommandOutput':
        return putOutput(body);
      case 'UpdateInstanceInformation':
      case 'PutNodeEvidence':
      case 'AcknowledgeMessage':
      case 'FailMessage':
        return {};
    }
    return name.startsWith('POST /v1/control-channel/')
      ? createControlChannelResponse('channel-token')
      : undefined;
  }

  /** The code of what is wrong with a signature; undefined when it is good. */
  function checkSignature(request: IncomingMessage, text: string): string | undefined {
    const [path = '/', query = ''] = (request.url ?? '/').split('?');
    const parts = { method: request.method ?? 'GET', path, query, headers: request.headers };
    if (request.headers.authorization === undefined) return 'MissingAuthenticationTokenException';
    const { authorization, at, atMs } = readSignature(parts);
    if (Math.abs(atMs - Date.now() - state.clockAhead) > 300_000) return 'RequestTimeTooSkewedException';
    const canonical = canonicalRequest(
      parts,
      [...authorization.signedHeaders],
      sha256Hex(text),
      authorization.service,
    );
    const toSign = stringToSign(at, authorization, canonical);
    if (authorization.accessKeyId.startsWith('mi-')) {
      const key = readPublicKey(keys.get(authorization.accessKeyId) ?? '');
      const good = state.knowsNodes && key && verifyRsaSignature(key, toSign, authorization.signature);
      return good ? undefined : 'AccessDeniedException';
    }
    const key = signingKey(state.secret, authorization.date, authorization.region, authorization.service);
    return hmacSignature(key, toSign) === authorization.signature ? undefined : 'InvalidSignatureException';
  }

  function takeFrame(frame: Frame, channel: WebSocket): void {
    frames.push(frame);
    if (frame.type !== FrameType.agentJobReply) return;
    const { jobId, content } = frameMessage(frame) as unknown as AgentJobReply;
    replies.push({ id: frame.id, jobId, content: JSON.parse(content), by: 'channel' });
    if (!state.acknowledgesReplies) return;
    const acknowledgement = { jobId, acknowledgedMessageId: frame.id };
    channel.send(
      encodeFrame(messageFrame(FrameType.agentJobReplyAck, acknowledgement, { createdAt: Date.now() })),
    );
  }

  function putOutput(body: Record<string, unknown>): object {
    const key = `${body.CommandId} ${body.Step} ${body.Stream}`;
    const before = outputs.get(key) ?? Buffer.alloc(0);
    const piece = gunzipSync(Buffer.from(String(body.Data), 'base64'));
    const isNext = body.Offset === before.length;
    const kept = isNext ? Buffer.concat([before, piece]).subarray(0, state.outputLimit) : before;
    outputs.set(key, kept);
    return { Kept: kept.length, Full: kept.length >= state.outputLimit };
  }

  const channels = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const trick = mischief.get('upgrade');
    if (trick === 'drop') return void socket.destroy();
    if (trick)
      return void socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    const wrong = checkSignature(request, '');
    if (wrong) return void socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
    channels.handleUpgrade(request, socket, head, (channel) => {
      calls.push({
        name: 'upgrade',
        body: {},
        headers: request.headers,
        connection: numbers.get(socket) ?? 0,
      });
      sockets.add(channel);
      channel.on('close', () => sockets.delete(channel));
      channel.on('message', (data: Buffer, isBinary) => {
        if (isBinary) takeFrame(decodeFrame(data), channel);
        else hellos.push(JSON.parse(data.toString('utf8')));
        arrived();
      });
      arrived();
    });
  });

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `https://localhost:${port}`,
    port,
    calls,
    frames,
    replies,
    outputs,
    hellos,
    keys,
    mischief,
    sockets,
    state,
    named: (name: string) => calls.filter((call) => call.name.startsWith(name)),
    send(frame: Frame) {
      for (const socket of sockets) socket.send(encodeFrame(frame));
    },
    /** Offers a command over the channel, or, if it polls, with the next poll. Answers the command's id. */
    offer(
      document: object,
      more: { id?: string; parameters?: object; polled?: boolean; content?: object } = {},
    ): string {
      const id = more.id ?? randomUUID();
      const { Content, JobId, Topic } = jobFor([...keys.keys()][0]!, id, document, more);
      if (more.polled)
        state.messages.push({ MessageId: JobId, Topic, Payload: Content, CreatedDate: '', Destination: '' });
      else this.send(messageFrame(FrameType.agentJob, { SchemaVersion: 1, JobId, Topic, Content }, now()));
      return id;
    },
    /** Wants a command cancelled, over the channel. */
    cancel(id: string) {
      const [node] = [...keys.keys()];
      const job = {
        SchemaVersion: 1,
        JobId: `aws.ssm.${randomUUID()}.${node}`,
        Topic: `aws.ssm.cancelCommand.us-east-1.${node}`,
        Content: JSON.stringify({ CancelMessageId: `aws.ssm.${id}.${node}` }),
      };
      this.send(messageFrame(FrameType.agentJob, job, now()));
    },
    /** What came back about a command, in the order in which it came. */
    repliesTo: (id: string) => replies.filter((reply) => reply.jobId.includes(id)),
    /** What was answered to the offers of a command. */
    answersTo: (id: string) =>
      frames
        .filter((frame) => frame.type === FrameType.agentJobAck)
        .map((frame) => frameMessage(frame) as unknown as AgentJobAck)
        .filter((ack) => ack.jobId.includes(id)),
    /** The last word about a command. */
    endOf(id: string): CommandReply | undefined {
      return this.repliesTo(id).find((reply) => isEnd(reply.content))?.content;
    },
    /** Waits until a condition holds, looking whenever something arrives. */
    until(what: string, holds: () => boolean): Promise<void> {
      return new Promise((resolve, reject) => {
        const check = () => {
          if (!holds()) return;
          clearTimeout(late);
          clearInterval(poll);
          arrivals.delete(check);
          resolve();
        };
        const late = setTimeout(() => {
          clearInterval(poll);
          reject(
            new Error(`Waited in vain until ${what}; calls: ${calls.map((call) => call.name).join(', ')}`),
          );
        }, 5000);
        // Some of what is waited for happens in the agent after the server's part.
        const poll = setInterval(check, 10);
        arrivals.add(check);
        check();
      });
    },
    async close() {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const now = () => ({ createdAt: Date.now() });

/** Whether a reply is the last one. */
export function isEnd(reply: CommandReply): boolean {
  return !['InProgress', 'SuccessAndReboot'].includes(reply.documentStatus);
}

function jobFor(
  node: string,
  id: string,
  document: object,
  { parameters = {}, content = {} }: { parameters?: object; content?: object },
) {
  return {
    JobId: `aws.ssm.${id}.${node}`,
    Topic: `aws.ssm.sendCommand.us-east-1.${node}`,
    Content: JSON.stringify({
      Parameters: parameters,
      DocumentContent: document,
      CommandId: id,
      DocumentName: 'a-document',
      OutputS3BucketName: '',
      OutputS3KeyPrefix: '',
      CloudWatchLogGroupName: '',
      CloudWatchOutputEnabled: 'false',
      ...content,
    }),
  };
}

/** {@link startFakeServer}. */
export type FakeServer = Awaited<ReturnType<typeof startFakeServer>>;

function refuse(
  response: ServerResponse,
  { status, code, headers = {}, xml = false }: Exclude<Mischief, string>,
): void {
  const body = xml
    ? `<${code}><Message>no</Message></${code}>`
    : JSON.stringify({ __type: code, message: 'no' });
  response.writeHead(status, headers).end(body);
}
