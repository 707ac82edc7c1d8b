/**
 * One signed JSON 1.1 request, from its bytes to its answer: whose operation is it, who calls, may they, what
 * do they ask, and what is answered. Every refusal leaves through one place.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { findShapes, readInput, writeError, writeOutput } from '@rollcall/wire/ssm';
import type { Audit } from '../audit/index.ts';
import type { Clock } from '../clock.ts';
import type { Identity } from '../identity/index.ts';
import { type Knocks, sourceOf } from '../knocks/index.ts';
import { type AnyOperation, type Call, Refusal, type ServiceName, type Source } from '../service/index.ts';
import { StoreUnavailable } from '../store/index.ts';
import { authorize } from './authorize.ts';
import { ClientGone, decodeBody, readBody } from './body.ts';
import type { Metrics } from './metrics.ts';
import { JSON_TYPE, plainError, respondJson, respondUnread, storeSilent } from './respond.ts';
import type { Throttle } from './throttle.ts';

/** What answering a call needs. */
export interface CallDeps {
  readonly account: string;
  readonly regions: readonly string[];
  readonly clock: Clock;
  readonly identity: Pick<Identity, 'authenticate' | 'decide'>;
  readonly audit: Pick<Audit, 'refused'>;
  readonly knocks: Pick<Knocks, 'note'>;
  readonly principals: Throttle;
  /** Limits false signatures by node keys, by network: to verify one costs five times what a request costs. */
  readonly forgeries: Throttle;
  readonly metrics: Metrics;
  readonly log: { warn(fields: object, text: string): void; error(fields: object, text: string): void };
  /** True when connections are getting scarce: answers to calls then close theirs. */
  crowded(): boolean;
  /** Told of every connection that carried a request which was proved to be somebody's. */
  vouchFor(socket: Socket): void;
  /** Extra headers for the answer to a call of a node, e.g. the roots that it should come to trust. */
  nodeHeaders(call: Call): Readonly<Record<string, string>> | undefined;
}

const PREFIXES: ReadonlyMap<string, ServiceName> = new Map([
  ['AmazonSSM', 'ssm'],
  ['EC2WindowsMessageDeliveryService', 'ec2messages'],
  ['Rollcall', 'rollcall'],
]);

/** The table of everything served, by `service:Operation`. */
export function indexOperations(operations: readonly AnyOperation[]): ReadonlyMap<string, AnyOperation> {
  const table = new Map<string, AnyOperation>();
  for (const operation of operations) {
    const key = `${operation.service}:${operation.name}`;
    if (table.has(key)) throw new Error(`${key} is declared twice`);
    if (!findShapes(operation.service, operation.name)) throw new Error(`${key} has no shapes`);
    table.set(key, operation);
  }
  return table;
}

/** Answers one `POST /` with an `X-Amz-Target`. */
export async function answerCall(
  deps: CallDeps,
  table: ReadonlyMap<string, AnyOperation>,
  request: IncomingMessage,
  response: ServerResponse,
  source: Source,
  id: string,
): Promise<void> {
  const at = deps.clock.now();
  const header = request.headers['x-amz-target'];
  const target = typeof header === 'string' ? header : '';
  const dot = target.indexOf('.');
  const service = PREFIXES.get(target.slice(0, dot));
  const name = target.slice(dot + 1);
  let call: Call | undefined;
  let resources: readonly string[] = ['*'];
  try {
    const body = await readBody(request);
    if (!service || !findShapes(service, name)) throw unknownOperation(target);
    const operation = table.get(`${service}:${name}`);
    call = await identify(deps, operation, service, name, request, response, body, source, id, at);
    if (call.principal.kind !== 'anonymous' && !deps.principals.take(call.principal.arn)) {
      throw new Refusal('ThrottlingException', 'Rate exceeded. Wait a moment and try again.');
    }
    if (!operation) throw notServed(service, name);
    const input = readInput(service, name, decodeBody(body));
    if (!input.ok) throw new Refusal(input.code, input.message);
    resources = await authorize(deps.identity, operation.access, call, input.value);
    const output = await operation.handle(call, input.value);
    respondJson(response, 200, id, writeOutput(service, name, output), {
      ...(call.principal.kind === 'node' ? deps.nodeHeaders(call) : undefined),
      ...(deps.crowded() ? { Connection: 'close' } : undefined),
    });
    deps.metrics.answered(service, name, 'ok', deps.clock.now() - at);
  } catch (error) {
    if (error instanceof ClientGone) return;
    if (error instanceof StoreUnavailable) {
      // Nobody's fault who calls, and it may be gone in a moment: clients try again by themselves.
      deps.metrics.answered(service ?? 'unknown', service ? name : 'unknown', 'error', deps.clock.now() - at);
      deps.log.warn({ id, operation: target, reason: error.message }, 'a call could not be written');
      respondJson(response, 503, id, plainError('ServiceUnavailable', reasonFor(call, error)));
      return;
    }
    if (!(error instanceof Refusal)) {
      deps.metrics.answered(service ?? 'unknown', service ? name : 'unknown', 'error', deps.clock.now() - at);
      deps.log.error({ id, operation: target, err: error }, 'a call failed');
      respondJson(
        response,
        500,
        id,
        plainError('InternalServerError', `Something went wrong here; the log has it under ${id}.`),
      );
      return;
    }
    const known = service !== undefined && findShapes(service, name) !== undefined;
    deps.metrics.answered(service ?? 'unknown', known ? name : 'unknown', 'refused', deps.clock.now() - at);
    remember(deps, call, error, source, resources);
    const text = known
      ? writeError(service, name, error.code, error.message)
      : plainError(error.code, error.message);
    const answer = { status: error.status, id, body: text, contentType: JSON_TYPE };
    if (error.status === 413) respondUnread(deps.clock, request, response, answer);
    else respondJson(response, error.status, id, text);
  }
}

/** Who calls? Unsigned requests are let through only to operations that check an activation code themselves. */
async function identify(
  deps: CallDeps,
  operation: AnyOperation | undefined,
  service: ServiceName,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  source: Source,
  id: string,
  at: number,
): Promise<Call> {
  const base = {
    id,
    at,
    account: deps.account,
    source,
    operation: `${service}:${name}`,
    ...(operation?.waits ? { gone: whenGone(response) } : {}),
    headers: request.headers as Readonly<Record<string, string | undefined>>,
  };
  if (operation?.access.by === 'activation' && request.headers.authorization === undefined) {
    return {
      ...base,
      region: regionOfHost(deps.regions, request.headers.host),
      principal: { kind: 'anonymous' },
    };
  }
  const proved = await verifying(deps, operation, request, source, () =>
    deps.identity.authenticate({
      request,
      body,
      service,
      nodeKeyAllowed: operation?.access.by === 'node-key',
      source,
      at,
    }),
  );
  deps.vouchFor(request.socket);
  return { ...base, region: proved.region, principal: proved.principal };
}

/**
 * Verifies, unless many node keys from this network were false lately. Nodes there that are honest ask again a
 * while later: their credentials hold for twice as long as they wait before they ask for others.
 */
async function verifying<T>(
  deps: CallDeps,
  operation: AnyOperation | undefined,
  request: IncomingMessage,
  source: Source,
  verify: () => Promise<T>,
): Promise<T> {
  if (operation?.access.by !== 'node-key') return verify();
  const network = sourceOf(source.address);
  if (!deps.forgeries.has(network)) {
    // Unproved, as every claim of a knock: it says why an honest node there has to wait.
    const claim = /Credential=(mi-[0-9a-f]{17})\//.exec(request.headers.authorization ?? '')?.[1];
    throw new Refusal('ThrottlingException', 'Rate exceeded. Wait a moment and try again.', {
      knock: { reason: 'throttled', ...(claim === undefined ? {} : { claim }) },
    });
  }
  try {
    return await verify();
  } catch (error) {
    if (error instanceof Refusal) deps.forgeries.take(network);
    throw error;
  }
}

/** Tells when the client hangs up; only long polls need to know. */
function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // The response's own end, which comes with the connection's at the latest: an agent polls over one for days.
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** `ssm.REGION.DOMAIN` names a region; any other host means the first one served. */
function regionOfHost(regions: readonly string[], host: string | undefined): string {
  const label = host?.split('.')[1];
  return regions.find((region) => region === label) ?? regions[0]!;
}

/** The reason may name the database's address: strangers don't learn it. */
function reasonFor(call: Call | undefined, error: StoreUnavailable): string {
  return call && call.principal.kind !== 'anonymous' ? error.message : storeSilent;
}

/** What a refusal leaves: a knock when it is one of identity, an audit row when we know who was refused. */
function remember(
  deps: CallDeps,
  call: Call | undefined,
  refusal: Refusal,
  source: Source,
  resources: readonly string[],
): void {
  if (refusal.knock) {
    deps.knocks.note({
      address: source.address,
      client: source.userAgent,
      layer: call ? 'policy' : 'signature',
      ...(source.serverName === undefined ? {} : { serverName: source.serverName }),
      ...(call === undefined ? {} : { region: call.region }),
      ...refusal.knock,
    });
  }
  if (call && call.principal.kind !== 'anonymous') {
    deps.audit.refused(call, resources.join(' '), refusal.code);
  }
}

function unknownOperation(target: string): Refusal {
  return new Refusal(
    'UnknownOperationException',
    target === '' ? 'The request has no X-Amz-Target header.' : 'There is no such operation in this API.',
  );
}

/** Known to the model, not built here: said plainly. */
function notServed(service: ServiceName, name: string): Refusal {
  return new Refusal(
    'UnsupportedOperationException',
    `${service === 'ssm' ? 'ssm' : service}:${name} is a real operation, but this version of Rollcall doesn't serve it. ` +
      'docs/conformance.md lists what it serves.',
  );
}
