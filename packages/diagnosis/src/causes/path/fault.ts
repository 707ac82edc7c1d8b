/** Deciding by the first fault of the path. */
import { type Facts, type Fault, hostOf, observe } from '../../facts/index.ts';
import type { Observation } from '../../verdict.ts';
import { excluded, type Finding, unknown } from '../cause.ts';

/** Confirmed by `decide` when the fault is its kind; excluded when the path breaks otherwise, or works. */
export function byFault(
  facts: Facts,
  isKind: (fault: Fault) => boolean,
  decide: (fault: Fault, seen: readonly Observation[]) => Finding,
): Finding {
  if (!facts.path) return unknown;
  const { fault } = facts.path;
  if (!fault) return facts.path.works ? excluded : unknown;
  return isKind(fault) ? decide(fault, observeFault(facts, fault)) : excluded;
}

/** What was seen at the layer that failed. */
export function observeFault(facts: Facts, fault: Fault): readonly Observation[] {
  const value = fault.detail === undefined ? fault.error : `${fault.error}: ${fault.detail}`;
  return [observe('node', fault.endpoint.url, fault.layer, value, facts.node?.at)];
}

/** Host and port for sentences. */
export function place(fault: Fault): { readonly host: string; readonly port: string; readonly url: string } {
  const { host, port } = hostOf(fault.endpoint);
  return { host, port, url: `https://${host}${port === '443' ? '' : `:${port}`}` };
}

/** Whether a name of a certificate is that of a host. */
export function covers(name: string, host: string): boolean {
  const [pattern, wanted] = [name.toLowerCase(), host.toLowerCase()];
  if (!pattern.startsWith('*.')) return pattern === wanted;
  return wanted.endsWith(pattern.slice(1)) && !wanted.slice(0, 1 - pattern.length).includes('.');
}

/** The addresses that the name stood for. */
export function addressesOf(fault: Fault): readonly string[] {
  const { name } = fault.endpoint;
  return name?.addresses ?? [];
}
