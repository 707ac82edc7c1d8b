/** Who this machine is already, and whether its server still has it: for whoever is about to enrol it again. */
import { openCalls } from './calls.ts';
import { type Clock, systemClock } from './clock.ts';
import { loadConfig } from './config.ts';
import { isPassing, ServerRefusal } from './failures.ts';
import { isRegistered, loadIdentity, NotRegisteredError } from './identity.ts';
import { openVisit } from './visit.ts';

/** A finished registration, without its secrets. */
export interface Standing {
  readonly nodeId: string;
  readonly serverUrl: string;
  readonly region: string;
  /** ISO 8601; absent in registrations that didn't keep it. */
  readonly registeredAt?: string;
}

/** The registration in the folder; undefined when none was finished there. */
export function readStanding(root: string): Standing | undefined {
  const identity = loadIdentity(root)?.identity;
  if (!isRegistered(identity)) return undefined;
  const { nodeId, serverUrl, region, registeredAt } = identity;
  return { nodeId, serverUrl, region, ...(registeredAt === undefined ? {} : { registeredAt }) };
}

/**
 * Asks the server whether it still takes this node's key. Changes nothing there.
 * @returns undefined when it does, its refusal when it doesn't.
 * @throws ConnectionError, or a passing ServerRefusal, when that couldn't be found out.
 */
export async function askStanding(
  root: string,
  clock: Clock = systemClock(),
): Promise<ServerRefusal | undefined> {
  const identity = loadIdentity(root)?.identity;
  if (!isRegistered(identity)) throw new NotRegisteredError(root);
  const { proxy, noProxy } = loadConfig(root);
  const visit = openVisit({ serverUrl: identity.serverUrl, trust: identity.trust, proxy, noProxy }, clock);
  try {
    await openCalls(identity, clock).requestToken(visit, identity.privateKey, identity.fingerprint);
    return undefined;
  } catch (error) {
    if (!(error instanceof ServerRefusal) || isPassing(error)) throw error;
    return error;
  } finally {
    visit.close();
  }
}
