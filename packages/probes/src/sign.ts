/**
 * What of some evidence makes it worth telling again. Two looks of which nobody would judge differently have the
 * same sign: what rises and falls all the time (memory, process ids, how long something took) is no part of it.
 */
import { createHash } from 'node:crypto';
import type { AgentEvidence, EndpointEvidence, NodeEvidence, ResourceEvidence } from '@rollcall/diagnosis';

const layers = ['name', 'route', 'proxy', 'tcp', 'tls', 'http', 'websocket'] as const;

/** Sixteen hexadecimal digits. */
export function signOf(evidence: NodeEvidence): string {
  const { privileged, host, agents, resources, clock, network, proxy, endpoints, metadata } = evidence;
  const { bootId, machineId, systemUuid, init, timeZone, fips, kernel, name, os } = host;
  const told = {
    privileged,
    host: { bootId, machineId, systemUuid, init, timeZone, fips, kernel, name, os },
    // Each container that starts or stops brings or takes a link-local one.
    addresses: host.addresses.filter((address) => !address.startsWith('fe80:')).sort(),
    agents: agents.map(toldOfAgent),
    disks: resources?.disks.map(toldOfDisk),
    kills: resources?.memory?.kills?.length,
    security: [resources?.security?.selinux, resources?.security?.apparmor],
    clock: [clock?.synchronized, clock?.service, minutesOff(clock?.aheadMs)],
    network: [
      network?.defaultRoute4,
      network?.defaultRoute6,
      network?.resolvers,
      network?.hostsEntries,
      network?.firewall,
    ],
    proxy,
    endpoints: endpoints.map(toldOfEndpoint),
    metadata: [metadata?.answers, metadata?.instanceId, metadata?.role],
  };
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16);
}

function toldOfAgent({
  kind,
  packaging,
  version,
  service,
  processes,
  identity,
  configuration,
}: AgentEvidence) {
  return {
    kind,
    packaging,
    version,
    service: service && [service.active, service.enabled, service.masked, service.user],
    runs: processes?.some(({ state }) => state !== 'Z' && state !== 'X'),
    identity: [identity?.nodeId, identity?.region, identity?.server, identity?.damage, identity?.fingerprint],
    problems: configuration?.files.map(({ path, problem }) => [path, problem]),
  };
}

/** How full it is in steps: nobody is told of each file that is written. */
function toldOfDisk(disk: ResourceEvidence['disks'][number]) {
  const { path, readOnly, noexec, write, freeBytes, totalBytes, freeInodes, totalInodes } = disk;
  return [path, readOnly, noexec, write, step(freeBytes, totalBytes), step(freeInodes, totalInodes)];
}

function step(free: number | undefined, total: number | undefined): number | undefined {
  if (free === undefined || !total) return undefined;
  return [0.001, 0.01, 0.02, 0.05, 0.1].filter((share) => free < total * share).length;
}

/** Clocks that are off by less than a minute are no news. */
function minutesOff(aheadMs: number | undefined): number {
  return Math.trunc((aheadMs ?? 0) / 60_000);
}

function toldOfEndpoint(endpoint: EndpointEvidence) {
  const failed = layers.find((layer) => endpoint[layer]?.ok === false);
  const seen = failed && endpoint[failed];
  return [endpoint.url, failed, seen?.ok === false ? seen.error : undefined];
}

/** Whether a judge finds anything wrong in it, by nothing else. */
export async function showsTrouble(evidence: NodeEvidence): Promise<boolean> {
  const { judge } = await import('@rollcall/diagnosis');
  const { cause, warnings } = judge({ now: evidence.at, node: evidence });
  return cause !== undefined || warnings.length > 0;
}
