/**
 * Signed calls to a server, as a test makes them: any operation of any service, with the answer as it came.
 */
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { signRequest } from '@rollcall/wire';

/** One caller. */
export interface ApiClientOptions {
  readonly url: string;
  readonly ca: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Milliseconds since the epoch, as the caller believes; the machine's own time unless given. */
  readonly now?: () => number;
}

/** An answer, whatever it says. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for.
  readonly json: any;
}

/** Makes calls. */
export interface ApiClient {
  /** Calls an operation, e.g. `ssm:DescribeActivations`; the answer may be a refusal. */
  call(operation: string, input?: object): Promise<ApiAnswer>;
  /** Like `call`, but throws on a refusal, and answers the body. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for.
  ask(operation: string, input?: object): Promise<any>;
  close(): void;
}

const PREFIXES: Readonly<Record<string, string>> = {
  ssm: 'AmazonSSM',
  ec2messages: 'EC2WindowsMessageDeliveryService',
  rollcall: 'Rollcall',
};

/** Opens a caller with connections of its own. */
export function openApiClient(options: ApiClientOptions): ApiClient {
  const agent = new Agent({ keepAlive: true, ca: options.ca });
  const url = new URL(options.url);
  const call = (operation: string, input: object = {}): Promise<ApiAnswer> => {
    const [service, name] = operation.split(':') as [string, string];
    const body = JSON.stringify(input);
    const headers = signRequest({
      method: 'POST',
      url: new URL('/', url).href,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${PREFIXES[service]}.${name}`,
      },
      body,
      credentials: options.credentials,
      region: options.region,
      service,
      at: (options.now ?? Date.now)(),
    });
    return send(agent, url, 'POST', '/', headers, body);
  };
  return {
    call,
    async ask(operation, input) {
      const answer = await call(operation, input);
      if (answer.status !== 200) throw new Error(`${operation}: ${answer.status} ${answer.text}`);
      return answer.json;
    },
    close: () => agent.destroy(),
  };
}

/** Sends one request as it is. */
export function send(
  agent: Agent,
  url: URL,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string | Buffer,
): Promise<ApiAnswer> {
  return new Promise((done, failed) => {
    const sent = request(
      {
        agent,
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers,
        // TLS has no server name for an address.
        servername: isIP(url.hostname) ? '' : url.hostname,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          let json: unknown;
          try {
            json = JSON.parse(text);
          } catch {
            json = undefined;
          }
          done({ status: response.statusCode!, headers: response.headers, text, json });
        });
      },
    );
    sent.on('error', failed);
    sent.end(body);
  });
}
