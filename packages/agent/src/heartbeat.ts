/** One heartbeat: what a node says of itself, and what the server answers to it. */
import type { Calls, NodeCredentials } from './calls.ts';
import { type Facts, shownAddress } from './facts.ts';
import type { RegisteredIdentity } from './identity.ts';
import { trustedFingerprints } from './trust.ts';
import { agentName, agentVersion } from './version.ts';
import type { Visit } from './visit.ts';

/** How messages reach the node, in the words of the wire. */
export type ConnectionChannel = 'ssmmessages' | 'ec2messages' | '';

/**
 * Sends a heartbeat; before the first one of a process an empty one, as servers expect of a start.
 * @returns what the server announces about its certificates, if it does.
 */
export async function sendHeartbeat(
  calls: Calls,
  visit: Visit,
  credentials: NodeCredentials,
  node: { identity: RegisteredIdentity; facts: Facts; first: boolean; channel: ConnectionChannel },
): Promise<string | undefined> {
  const { identity, facts } = node;
  const trusts = trustedFingerprints(identity);
  const bare = {
    AgentName: agentName,
    AgentVersion: agentVersion,
    InstanceId: identity.nodeId,
    PlatformType: facts.platformType,
  };
  if (node.first) await calls.heartbeat(visit, credentials, bare, trusts);
  const address = shownAddress(visit.localAddress());
  const full = {
    ...bare,
    AgentStatus: 'Active',
    ComputerName: facts.computerName,
    ...(address === undefined ? {} : { IPAddress: address }),
    PlatformName: facts.platformName,
    PlatformVersion: facts.platformVersion,
    SSMConnectionChannel: node.channel,
  };
  return calls.heartbeat(visit, credentials, full, trusts);
}
