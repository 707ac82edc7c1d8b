/** Credentials of nodes as a server with the same secrets key would issue them: nothing of them is stored. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../packages/server/src/clock.ts';
import { type NodeCredentials, openIdentity } from '../../packages/server/src/identity/index.ts';
import { openStore } from '../../packages/server/src/store/index.ts';
import { region } from './books.ts';

/** Makes the function that issues credentials to nodes of the server in this folder. */
export async function openMint(data: string): Promise<(nodeId: string) => NodeCredentials> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-mint-'));
  const store = await openStore({ kind: 'sqlite', directory: folder });
  const identity = openIdentity({
    store,
    clock: systemClock(),
    account: '123456789012',
    regions: [region],
    secretsKey: Buffer.from(readFileSync(join(data, 'secrets.key'), 'utf8'), 'base64'),
    hooks: { findNode: async () => undefined },
  });
  await store.close();
  rmSync(folder, { recursive: true });
  return (nodeId) =>
    identity.mintNodeCredentials({ nodeId, region, epoch: 0, roleName: 'RollcallManagedNode' });
}
