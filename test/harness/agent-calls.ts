/**
 * What one simulated agent says on the wire, call by call, as amazon-ssm-agent 3.3.0.0 says it. When it
 * says what is the fleet's business.
 */
import { randomUUID } from 'node:crypto';
import { parseChannelToken, signRequest, signWithKeyPair } from '@rollcall/wire';
import type { WebSocket } from 'ws';
import type { KeyPool } from './key-pool.ts';
import { CallError, type Transport } from './transport.ts';

/** One node, and the little that is remembered of it. Times are milliseconds since the epoch. */
export interface SimulatedAgent {
  /** Its place in the fleet, and its key's in the pool. */
  readonly number: number;
  readonly fingerprint: string;
  nodeId: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** When half of the credentials' life has passed. */
  refreshAt: number;
  refreshing: Promise<void> | undefined;
  /** The open control channel. */
  socket: WebSocket | undefined;
  openedAt: number;
  connecting: boolean;
  /** Failed attempts since a channel was open. */
  failures: number;
  /** When the next of each is due. */
  beatAt: number;
  pingAt: number;
  connectAt: number;
  pollAt: number;
  /** Which way messages come to it; `both` polls until a minute after its channel opened. */
  messages: 'channel' | 'poll' | 'both' | 'none';
  /** It has left its fleet. */
  dismissed: boolean;
  lastPong: number;
  /** When its last heartbeat was answered; 0 before the first. */
  lastBeat: number;
}

/** What the calls need to know. */
export interface AgentCallsOptions {
  readonly url: string;
  readonly region: string;
  readonly activation: { readonly id: string; readonly code: string };
  readonly keys: KeyPool;
  readonly agentName: string;
  readonly agentVersion: string;
  /** Milliseconds since the epoch, as the agents believe; the machine's own time unless given. */
  readonly now?: () => number;
}

/** A message that was polled. */
export interface PolledMessage {
  readonly MessageId: string;
  readonly Topic: string;
  readonly CreatedDate: string;
  readonly Payload: string;
}

/** The calls of simulated agents. All reject with a {@link CallError} when the server refuses. */
export interface AgentCalls {
  register(agent: SimulatedAgent): Promise<void>;
  /** Fetches credentials, signed with the agent's key. */
  fetchCredentials(agent: SimulatedAgent): Promise<void>;
  /** Sends the short heartbeat of an agent's start, or the full one. */
  heartbeat(agent: SimulatedAgent, kind: 'short' | 'full'): Promise<void>;
  /** One long poll; resolves with the messages. */
  poll(agent: SimulatedAgent): Promise<readonly PolledMessage[]>;
  /** Any operation, by its target. */
  call(agent: SimulatedAgent, target: string, input: object): Promise<Record<string, unknown>>;
  /** Asks for a control channel; resolves with the token. */
  createControlChannel(agent: SimulatedAgent): Promise<string>;
  /** Begins the websocket of a control channel; its first frame is {@link AgentCalls.hello}. */
  dialControlChannel(agent: SimulatedAgent): WebSocket;
  hello(token: string): string;
}

const json = 'application/x-amz-json-1.1';
/** What a call is signed for, by the prefix of its target; the rest is message delivery. */
const services: Readonly<Record<string, string>> = { AmazonSSM: 'ssm', Rollcall: 'rollcall' };
/** Errors after which new credentials are fetched before the next call. */
const staleCredentials = /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient)/;

/** Opens the calls of simulated agents over a transport. */
export function openAgentCalls(options: AgentCallsOptions, transport: Transport): AgentCalls {
  const { url, region, activation, keys, agentName, agentVersion, now = Date.now } = options;

  const post = async (request: Parameters<Transport['post']>[0]): Promise<Record<string, unknown>> => {
    const { status, body } = await transport.post(request);
    const answer: Record<string, unknown> = body === '' ? {} : JSON.parse(body);
    if (status !== 200) throw new CallError(String(answer.__type ?? status), status);
    return answer;
  };

  const sign = (
    agent: SimulatedAgent,
    request: { method: string; path: string; service: string; body: string; headers: Record<string, string> },
  ): Record<string, string> =>
    signRequest({ ...request, url: url + request.path, region, at: now(), credentials: agent });

  const fetchCredentials = async (agent: SimulatedAgent): Promise<void> => {
    const body = JSON.stringify({ Fingerprint: agent.fingerprint });
    const headers = signWithKeyPair({
      method: 'POST',
      url: `${url}/`,
      headers: { 'content-type': json, 'x-amz-target': 'AmazonSSM.RequestManagedInstanceRoleToken' },
      body,
      region,
      service: 'ssm',
      at: now(),
      nodeId: agent.nodeId,
      privateKey: keys.privateKey(agent.number),
    });
    // No length: the official agent sends this one in chunks.
    const answer = await post({ path: '/', headers: { ...headers, 'transfer-encoding': 'chunked' }, body });
    agent.accessKeyId = String(answer.AccessKeyId);
    agent.secretAccessKey = String(answer.SecretAccessKey);
    agent.sessionToken = String(answer.SessionToken);
    const left = Number(answer.TokenExpirationDate) * 1_000 - now();
    agent.refreshAt = now() + Math.max(1_000, left / 2);
  };

  const haveCredentials = async (agent: SimulatedAgent): Promise<void> => {
    if (now() < agent.refreshAt) return;
    agent.refreshing ??= fetchCredentials(agent).finally(() => {
      agent.refreshing = undefined;
    });
    await agent.refreshing;
  };

  const call: AgentCalls['call'] = async (agent, target, input) => {
    await haveCredentials(agent);
    const body = JSON.stringify(input);
    const headers = sign(agent, {
      method: 'POST',
      path: '/',
      service: services[target.slice(0, target.indexOf('.'))] ?? 'ec2messages',
      body,
      headers: {
        'content-type': json,
        'x-amz-target': target,
        'content-length': String(Buffer.byteLength(body)),
      },
    });
    try {
      return await post({ path: '/', headers, body, polls: target.endsWith('.GetMessages') });
    } catch (error) {
      if (error instanceof CallError && staleCredentials.test(error.code)) agent.refreshAt = 0;
      throw error;
    }
  };

  return {
    call,
    fetchCredentials,
    async register(agent) {
      const body = JSON.stringify({
        ActivationCode: activation.code,
        ActivationId: activation.id,
        Fingerprint: agent.fingerprint,
        PublicKey: keys.publicKey(agent.number),
        PublicKeyType: 'Rsa',
      });
      const headers = {
        'content-type': json,
        'x-amz-target': 'AmazonSSM.RegisterManagedInstance',
        'content-length': String(Buffer.byteLength(body)),
      };
      agent.nodeId = String((await post({ path: '/', headers, body })).InstanceId);
    },
    async heartbeat(agent, kind) {
      const { number, nodeId } = agent;
      const short = {
        AgentName: agentName,
        AgentVersion: agentVersion,
        InstanceId: nodeId,
        PlatformType: 'Linux',
      };
      const full = {
        ...short,
        AgentStatus: 'Active',
        AvailabilityZone: '',
        AvailabilityZoneId: '',
        ComputerName: `simulated-${number}`,
        IPAddress: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
        PlatformName: 'Debian GNU/Linux',
        PlatformVersion: '12',
        SSMConnectionChannel: agent.socket ? 'ssmmessages' : '',
      };
      await call(agent, 'AmazonSSM.UpdateInstanceInformation', kind === 'short' ? short : full);
      agent.lastBeat = now();
    },
    async poll(agent) {
      const answer = await call(agent, 'EC2WindowsMessageDeliveryService.GetMessages', {
        Destination: agent.nodeId,
        MessagesRequestId: randomUUID(),
        VisibilityTimeoutInSeconds: 10,
      });
      return Array.isArray(answer.Messages) ? (answer.Messages as PolledMessage[]) : [];
    },
    async createControlChannel(agent) {
      await haveCredentials(agent);
      const path = `/v1/control-channel/${agent.nodeId}`;
      const body = JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: randomUUID() });
      const signed = sign(agent, {
        method: 'POST',
        path,
        service: 'ssmmessages',
        body,
        headers: { 'content-type': 'application/json' },
      });
      const headers = { ...signed, 'content-length': String(Buffer.byteLength(body)) };
      const answer = await transport.post({ path, headers, body });
      const token = answer.status === 201 ? parseChannelToken(answer.body)?.tokenValue : undefined;
      if (token !== undefined) return token;
      const code = /<(\w+)>/.exec(answer.body)?.[1] ?? 'NoToken';
      if (staleCredentials.test(code)) agent.refreshAt = 0;
      throw new CallError(code, answer.status);
    },
    dialControlChannel(agent) {
      const path = `/v1/control-channel/${agent.nodeId}?role=subscribe&stream=input`;
      return transport.dial(
        path,
        sign(agent, { method: 'GET', path, service: 'ssmmessages', body: '', headers: {} }),
      );
    },
    hello: (token) =>
      JSON.stringify({
        Cookie: null,
        MessageSchemaVersion: '1.0',
        RequestId: randomUUID(),
        TokenValue: token,
        AgentVersion: agentVersion,
        PlatformType: 'linux',
      }),
  };
}
