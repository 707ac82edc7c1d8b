/** The way to the service, as it was tried on the machine: where it breaks first. */
import type { AgentEvidence, EndpointEvidence, NodeEvidence } from '../evidence/index.ts';
import { isOlder } from './version.ts';

/** The layers, in order. */
export const layers = ['name', 'route', 'tcp', 'proxy', 'tls', 'http', 'websocket'] as const;
export type LayerName = (typeof layers)[number];

/** Where an endpoint's way breaks. */
export interface Fault {
  readonly endpoint: EndpointEvidence;
  readonly layer: LayerName;
  /** The word of the evidence. */
  readonly error: string;
  readonly detail?: string;
}

/** What was tried, and how it went. */
export interface Path {
  /** Endpoints without which the agent doesn't work. */
  readonly needed: readonly EndpointEvidence[];
  /** The first fault of each that has one. */
  readonly faults: readonly Fault[];
  /** The fault that matters: of what carries heartbeats before what only carries commands. */
  readonly fault?: Fault;
  /** Some of the needed endpoints are reached, others aren't. */
  readonly partly: boolean;
  /** All needed endpoints were tried to the end and answer. */
  readonly works: boolean;
}

/** Agents from this version on need no endpoint `ec2messages` where `ssmmessages` works. */
const withoutPolling = '3.3.40.0';

/** Reads the path of the judged agent; undefined when none was tried. */
export function pathOf(node: NodeEvidence | undefined, agent: AgentEvidence | undefined): Path | undefined {
  if (!node || node.endpoints.length === 0) return undefined;
  const mine = node.endpoints.filter((one) => one.agent === undefined || one.agent === agent?.kind);
  const tried = mine.length > 0 ? mine : node.endpoints;
  const channelWorks = tried.some((one) => serves(one, 'ssmmessages') && faultOf(one) === undefined);
  const needed = tried.filter(
    (one) =>
      one.needed &&
      !(
        one.service === 'ec2messages' &&
        channelWorks &&
        agent?.kind === 'official' &&
        agent.version !== undefined &&
        !isOlder(agent.version, withoutPolling)
      ),
  );
  if (needed.length === 0) return undefined;
  const faults = needed.flatMap((one) => faultOf(one) ?? []);
  const hard = faults.filter((one) => one.layer !== 'websocket');
  const fault = hard.find((one) => serves(one.endpoint, 'ssm')) ?? hard[0] ?? faults[0];
  return {
    needed,
    faults,
    ...(fault && { fault }),
    partly: hard.length > 0 && hard.length < needed.length,
    works: faults.length === 0 && needed.every(wasTriedToTheEnd),
  };
}

/** Whether the endpoint serves it, alone or with others at the same address. */
export function serves(endpoint: EndpointEvidence, service: string): boolean {
  return endpoint.service === service || (endpoint.also ?? []).includes(service);
}

/** Host and port of an endpoint, without the scheme. */
export function hostOf(endpoint: { readonly url: string }): { readonly host: string; readonly port: string } {
  const match = /^[a-z]+:\/\/(\[[0-9a-f:.%]+\]|[^/:?#]+)(?::(\d+))?/i.exec(endpoint.url);
  return { host: (match?.[1] ?? endpoint.url).toLowerCase(), port: match?.[2] ?? '443' };
}

function faultOf(endpoint: EndpointEvidence): Fault | undefined {
  for (const layer of layers) {
    const seen = endpoint[layer];
    if (seen && !seen.ok)
      return {
        endpoint,
        layer,
        error: seen.error,
        ...(seen.detail !== undefined && { detail: seen.detail }),
      };
    if (layer === 'http' && endpoint.http?.ok && endpoint.http.isService === false)
      return { endpoint, layer, error: 'wrong-host' };
  }
  return undefined;
}

function wasTriedToTheEnd(endpoint: EndpointEvidence): boolean {
  return endpoint.http?.ok === true;
}
