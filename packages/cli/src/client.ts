/**
 * Speaks to a server as any AWS client does: signed AWS JSON 1.1 over HTTPS. There is no other way in, so
 * whatever `rollcall` shows, a policy has allowed.
 */

import { readFileSync } from 'node:fs';
import https from 'node:https';
import tls from 'node:tls';
import { signRequest } from '@rollcall/wire';
import { atData } from './at-data.ts';
import type { Connection } from './context.ts';
import { quote } from './env/shell.ts';
import { exitCodes, Failure } from './failure.ts';
import { plain } from './output/plain.ts';
import { rememberedStart, startWords } from './up/restart.ts';

/** The services behind the one port, with the prefix of their targets. */
const prefixes = { rollcall: 'Rollcall', ssm: 'AmazonSSM' } as const;

/** A server's refusal, with AWS's code. */
export class ServiceError extends Failure {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number, hint = '') {
    super(
      `${plain(message, { limit: 1000 }) || 'The server refused.'} (${plain(code, { limit: 80 })})${hint}`,
      exitCodes.no,
    );
    this.name = 'ServiceError';
    this.code = code;
    this.status = status;
  }
}

/** A server, ready to be asked. */
export interface Client {
  readonly connection: Connection;
  /** Calls one operation; throws {@link ServiceError} for a refusal and `Failure` when nobody answers. */
  call<O>(
    service: keyof typeof prefixes,
    operation: string,
    input: object,
    options?: CallOptions,
  ): Promise<O>;
  close(): void;
}

/** How one call differs. */
export interface CallOptions {
  /** Another logical region of the same server. */
  readonly region?: string | undefined;
  /** Give up after so many milliseconds; 30,000 by default. */
  readonly timeout?: number;
  /** Give up when this says so: the call rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Opens a client; no connection is made before the first call. */
export function openClient(connection: Connection, now: () => number = Date.now): Client {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ca: authorities(connection) });
  return {
    connection,
    close: () => agent.destroy(),
    async call<O>(
      service: keyof typeof prefixes,
      operation: string,
      input: object,
      options: CallOptions = {},
    ) {
      const body = Buffer.from(JSON.stringify(input));
      const url = new URL('/', connection.url);
      const { accessKeyId, secretAccessKey, sessionToken } = connection;
      const headers = signRequest({
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `${prefixes[service]}.${operation}`,
          'content-length': String(body.length),
          'user-agent': 'rollcall',
        },
        body,
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
        region: options.region ?? connection.region,
        service,
        at: now(),
      });
      const answer = await post(url, headers, body, agent, options).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw unreachable(connection, error as NodeJS.ErrnoException);
      });
      return read<O>(answer, operation);
    },
  };
}

/** Opens a client, hands it to `use`, and closes it whatever happens. */
export async function withClient<T>(connection: Connection, use: (client: Client) => Promise<T>): Promise<T> {
  const client = openClient(connection);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly codeHeader: string | undefined;
}

const largestAnswer = 64 * 1024 * 1024;

function post(
  url: URL,
  headers: Record<string, string>,
  body: Buffer,
  agent: https.Agent,
  options: CallOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(options.timeout ?? 30_000);
    const signal = options.signal ? AbortSignal.any([late, options.signal]) : late;
    const request = https.request(url, { method: 'POST', headers, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > largestAnswer) request.destroy(new Error('the answer is larger than 64 MB'));
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const codeHeader = response.headers['x-amzn-errortype'];
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          codeHeader: Array.isArray(codeHeader) ? codeHeader[0] : codeHeader,
        });
      });
    });
    request.on('error', (error) => reject(late.aborted ? new Error('ETIMEDOUT', { cause: error }) : error));
    request.end(body);
  });
}

function read<O>(answer: Answer, operation: string): O {
  let value: Record<string, unknown> | undefined;
  try {
    value = answer.body === '' ? {} : (JSON.parse(answer.body) as Record<string, unknown>);
  } catch {
    value = undefined;
  }
  if (answer.status === 200 && value) return value as O;
  const type = typeof value?.__type === 'string' ? value.__type : (answer.codeHeader ?? '');
  const code = type.split('#').pop()?.split(':')[0] || `HTTP ${answer.status}`;
  const message = value?.message ?? value?.Message;
  const text =
    typeof message === 'string' && message !== ''
      ? message
      : `The server answered ${operation} with no reason.`;
  throw new ServiceError(code, text, answer.status, hintFor(code));
}

function hintFor(code: string): string {
  if (code === 'UnknownOperationException')
    return `. Is this a Rollcall server of the same version? rollcall status${atData()}`;
  return '';
}

/** What a broken connection means, and what to do about it. */
function unreachable(connection: Connection, error: NodeJS.ErrnoException): Failure {
  const { url } = connection;
  const name = new URL(url).hostname;
  const code = error.code ?? error.message;
  const start = connection.data ? ` Start it: ${restartLine(connection.data)}` : ' Is it running?';
  const cause = { cause: error };
  if (code === 'ECONNREFUSED')
    return new Failure(`No server answers at ${url}.${start}`, exitCodes.unable, cause);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Failure(
      `The name ${name} (of ${url}) can't be resolved on this machine.`,
      exitCodes.unable,
      cause,
    );
  if (code === 'ETIMEDOUT')
    return new Failure(
      `${url} didn't answer in time. Is it overloaded, or is a firewall in between?`,
      exitCodes.unable,
      cause,
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new Failure(
      `The certificate at ${url} isn't for the name ${name}. Restart the server with --public-url ${url}`,
      exitCodes.unable,
      cause,
    );
  if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/.test(code))
    return new Failure(
      `The certificate at ${url} isn't trusted (${code}): another server, or another data folder's. Name the right one: --data DIR`,
      exitCodes.unable,
      cause,
    );
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new Failure(
      `${url} closed the connection before it answered. Try again; rollcall status${atData()}`,
      exitCodes.unable,
      cause,
    );
  return new Failure(`${url} can't be reached: ${error.message}`, exitCodes.unable, cause);
}

function restartLine(data: string): string {
  return `rollcall up --data ${quote(data, 'sh')}${startWords(rememberedStart(data))}`;
}

/** The roots that Node brings, in case the server has a public certificate, and the server's own CA. */
function authorities(connection: Connection): string[] {
  if (!connection.caFile) return [...tls.getCACertificates('default')];
  try {
    return [...tls.rootCertificates, readFileSync(connection.caFile, 'utf8')];
  } catch (error) {
    throw new Failure(`The authority's certificate can't be read: ${(error as Error).message}`);
  }
}
