/** The operations an agent calls, signed and in the form each of them has on the wire. */
import { createPrivateKey, randomUUID } from 'node:crypto';
import {
  messageSchemaVersion,
  parseChannelToken,
  parseJson,
  signRequest,
  signWithKeyPair,
} from '@rollcall/wire';
import type { WebSocket } from 'ws';
import type { Clock } from './clock.ts';
import { parseRetryAfter, ServerRefusal } from './failures.ts';
import type { Answer, Visit } from './visit.ts';

/** Credentials of a node, as the server gave them. */
export interface NodeCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

/** A message as polling delivers it. */
export interface PolledMessage {
  readonly MessageId: string;
  readonly Topic: string;
  readonly Payload: string;
}

/** Whose calls these are. */
export interface Caller {
  readonly serverUrl: string;
  readonly region: string;
  readonly nodeId: string;
}

/** Who signs: nobody, the node's key pair, or its credentials. */
type Signer = { privateKey: string } | { credentials: NodeCredentials } | undefined;

/** How each service's operations are named. */
const targetPrefixes = {
  ssm: 'AmazonSSM',
  ec2messages: 'EC2WindowsMessageDeliveryService',
  rollcall: 'Rollcall',
} as const;

/** Beyond this difference (ms), requests are signed by the server's clock instead of ours. */
const bearableSkew = 60_000;

/** Opens the calls of one caller. A caller that has no id yet can only register. */
export function openCalls(caller: Omit<Caller, 'nodeId'> & { nodeId?: string }, clock: Clock) {
  let skew = 0;
  const signingTime = () => clock.now() - (Math.abs(skew) > bearableSkew ? skew : 0);
  const { region } = caller;
  const nodeId = caller.nodeId ?? '';

  function sign(
    method: string,
    path: string,
    service: string,
    signer: Signer,
    headers: Record<string, string>,
    body: string,
  ) {
    const url = `${caller.serverUrl}${path}`;
    const request = { method, url, headers, body, region, service, at: signingTime() };
    if (signer === undefined) return headers;
    if ('credentials' in signer) return signRequest({ ...request, credentials: signer.credentials });
    return signWithKeyPair({ ...request, nodeId, privateKey: createPrivateKey(signer.privateKey) });
  }

  /** Our clock minus the server's, which tells its time to the second: so the middle of that second. */
  function noteClock(answer: Answer): void {
    const theirs = Date.parse(String(answer.headers.date ?? ''));
    if (!Number.isNaN(theirs)) skew = clock.now() - (theirs + 500);
  }

  async function json(
    visit: Visit,
    service: keyof typeof targetPrefixes,
    operation: string,
    input: object,
    signer: Signer,
    more: { headers?: Record<string, string>; timeout?: number } = {},
  ): Promise<{ output: Record<string, unknown>; headers: Answer['headers'] }> {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${targetPrefixes[service]}.${operation}`,
      ...more.headers,
    };
    const body = JSON.stringify(input);
    const ask = () =>
      visit.ask({
        method: 'POST',
        path: '/',
        headers: sign('POST', '/', service, signer, headers, body),
        body,
        ...(more.timeout === undefined ? {} : { timeout: more.timeout }),
      });
    const believed = skew;
    let answer = await ask();
    noteClock(answer);
    // Refused for its time only: the refusal has told the right one.
    const isForTime = /Signature (expired|not yet current)/.test(answer.body) && answer.status !== 200;
    if (isForTime && Math.abs(skew - believed) > bearableSkew) {
      answer = await ask();
      noteClock(answer);
    }
    if (answer.status !== 200) throw refusalOf(answer, clock.now());
    const output = answer.body.trim() === '' ? {} : readObject(answer.body);
    // A page with which a portal or a gateway answers everything.
    if (!output) throw new ServerRefusal('InvalidAnswer', 'what answered is not the service', 200);
    return { output, headers: answer.headers };
  }

  return {
    /** How far our clock is ahead of the server's (ms), as of the last answer. */
    skew: () => skew,

    async register(visit: Visit, input: object): Promise<string> {
      // The call isn't signed, so nothing else in it says where the node will look for its work.
      const headers = { 'x-rollcall-region': region };
      const { output } = await json(visit, 'ssm', 'RegisterManagedInstance', input, undefined, { headers });
      return textOf(output, 'InstanceId');
    },

    async requestToken(visit: Visit, privateKey: string, fingerprint: string) {
      const { output } = await json(
        visit,
        'ssm',
        'RequestManagedInstanceRoleToken',
        { Fingerprint: fingerprint },
        { privateKey },
      );
      const expires = Number(output.TokenExpirationDate) * 1000;
      const credentials: NodeCredentials = {
        accessKeyId: textOf(output, 'AccessKeyId'),
        secretAccessKey: textOf(output, 'SecretAccessKey'),
        sessionToken: textOf(output, 'SessionToken'),
        obtainedAt: clock.now(),
        // By our clock, so that it can be compared with our clock.
        expiresAt: Number.isFinite(expires) ? expires + skew : clock.now() + 3_600_000,
      };
      return { credentials, updateKeyPair: output.UpdateKeyPair === true };
    },

    async updatePublicKey(visit: Visit, privateKey: string, newPublicKey: string): Promise<void> {
      const input = { NewPublicKey: newPublicKey, NewPublicKeyType: 'Rsa' };
      await json(visit, 'ssm', 'UpdateManagedInstancePublicKey', input, { privateKey });
    },

    /** A heartbeat. Returns the fingerprints of the certificates the server would have trusted, if it says. */
    async heartbeat(
      visit: Visit,
      credentials: NodeCredentials,
      input: object,
      trusts: readonly string[] | undefined,
    ) {
      const headers = trusts?.length ? { 'x-rollcall-trusts': trusts.join(',') } : {};
      const answer = await json(
        visit,
        'ssm',
        'UpdateInstanceInformation',
        input,
        { credentials },
        { headers },
      );
      const announced = answer.headers['x-rollcall-trust'];
      return typeof announced === 'string' ? announced : undefined;
    },

    async createControlChannel(visit: Visit, credentials: NodeCredentials): Promise<string> {
      const path = `/v1/control-channel/${nodeId}`;
      const body = JSON.stringify({ MessageSchemaVersion: messageSchemaVersion, RequestId: randomUUID() });
      const headers = sign(
        'POST',
        path,
        'ssmmessages',
        { credentials },
        { 'content-type': 'application/json' },
        body,
      );
      const answer = await visit.ask({ method: 'POST', path, headers, body });
      noteClock(answer);
      if (answer.status !== 201) throw refusalOf(answer, clock.now());
      const token = parseChannelToken(answer.body)?.tokenValue;
      if (token === undefined)
        throw new ServerRefusal('InvalidAnswer', 'there is no token in the answer', 201);
      return token;
    },

    openControlChannel(visit: Visit, credentials: NodeCredentials): Promise<WebSocket> {
      const path = `/v1/control-channel/${nodeId}?role=subscribe&stream=input`;
      return visit.upgrade(path, sign('GET', path, 'ssmmessages', { credentials }, {}, ''));
    },

    async getMessages(visit: Visit, credentials: NodeCredentials): Promise<PolledMessage[]> {
      const input = { Destination: nodeId, MessagesRequestId: randomUUID(), VisibilityTimeoutInSeconds: 10 };
      const { output } = await json(
        visit,
        'ec2messages',
        'GetMessages',
        input,
        { credentials },
        { timeout: 25_000 },
      );
      return Array.isArray(output.Messages) ? output.Messages.filter(isMessage) : [];
    },

    /** `AcknowledgeMessage`, `SendReply` and `FailMessage`. */
    async answerMessage(
      visit: Visit,
      credentials: NodeCredentials,
      operation: string,
      input: object,
    ): Promise<void> {
      await json(visit, 'ec2messages', operation, input, { credentials });
    },

    /** The text of a document, as it was written; the newest default version unless told. */
    async getDocument(
      visit: Visit,
      credentials: NodeCredentials,
      name: string,
      version: string | undefined,
    ): Promise<{ content: string; format: 'JSON' | 'YAML' }> {
      const input = { Name: name, ...(version === undefined ? {} : { DocumentVersion: version }) };
      const { output } = await json(visit, 'ssm', 'GetDocument', input, { credentials });
      return {
        content: textOf(output, 'Content'),
        format: output.DocumentFormat === 'YAML' ? 'YAML' : 'JSON',
      };
    },

    /** Tells what is seen of this machine, as JSON. */
    async putNodeEvidence(visit: Visit, credentials: NodeCredentials, evidence: string): Promise<void> {
      const input = { InstanceId: nodeId, Evidence: evidence };
      await json(visit, 'rollcall', 'PutNodeEvidence', input, { credentials });
    },

    /** Hands over a piece of output. Answers where the next begins, and whether there is no room for one. */
    async putCommandOutput(
      visit: Visit,
      credentials: NodeCredentials,
      input: object,
      timeout: number,
    ): Promise<{ kept: number; full: boolean }> {
      const { output } = await json(
        visit,
        'rollcall',
        'PutCommandOutput',
        input,
        { credentials },
        { timeout },
      );
      return { kept: Number(output.Kept), full: output.Full === true };
    },
  };
}

/** {@link openCalls}. */
export type Calls = ReturnType<typeof openCalls>;

/** What an unsuccessful answer says, as JSON or as the XML of the channel paths. */
function refusalOf(answer: Answer, now: number): ServerRefusal {
  const retryAfter = parseRetryAfter(firstOf(answer.headers['retry-after']), now);
  const xml = /<(\w+Exception)>(?:\s*<Message>([^<]*)<\/Message>)?/.exec(answer.body);
  if (xml) return new ServerRefusal(xml[1]!, xml[2] ?? '', answer.status, retryAfter);
  const error = readObject(answer.body) ?? {};
  const type = typeof error.__type === 'string' ? error.__type.replace(/^.*#/, '') : `HTTP ${answer.status}`;
  const message = error.message ?? error.Message;
  return new ServerRefusal(
    type,
    typeof message === 'string' ? message.slice(0, 1000) : '',
    answer.status,
    retryAfter,
  );
}

/** The members of an answer; undefined when it is no JSON. */
function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return undefined;
  }
}

function textOf(output: Record<string, unknown>, name: string): string {
  const value = output[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new ServerRefusal('InvalidAnswer', `there is no ${name} in the answer`, 200);
}

function isMessage(value: unknown): value is PolledMessage {
  const message = value as Partial<PolledMessage> | null;
  return [message?.MessageId, message?.Topic, message?.Payload].every((text) => typeof text === 'string');
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
