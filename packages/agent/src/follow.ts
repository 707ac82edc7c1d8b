/** A registered node whose server is the same one at another address. */
import { isRegistered, loadIdentity, normalizeServerUrl, saveIdentity } from './identity.ts';

/**
 * Makes the node in `root` look for its server at `serverUrl` from its next start on. For whoever knows that the
 * same server answers there: what the node trusts, its key and its id stay.
 * Returns false when there is no finished registration to change.
 */
export function followServer(root: string, serverUrl: string): boolean {
  const identity = loadIdentity(root)?.identity;
  if (!isRegistered(identity)) return false;
  const there = normalizeServerUrl(serverUrl);
  if (identity.serverUrl !== there) saveIdentity(root, { ...identity, serverUrl: there });
  return true;
}
