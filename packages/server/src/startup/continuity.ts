/**
 * Whether a start goes on where the last one left off. Flags that would make nodes vanish from view, or a folder
 * whose keys were lost, are refused before anything is made.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../store/index.ts';
import { readConnection } from './data-folder.ts';
import { StartupError, type UpOptions } from './options.ts';

/** Throws a `StartupError` that says how to go on, when this start wouldn't continue the last one. */
export async function checkContinuity(store: Store, options: UpOptions): Promise<void> {
  const { data, account, regions } = options;
  const before = await readConnection(data);
  if (before && before.account !== account) {
    throw new StartupError(
      `${data} belongs to account ${before.account}, and these flags say ${account}: policies and ARNs would no longer fit. Start with --account ${before.account}, or with another --data.`,
    );
  }
  const nodes = await store.read(({ everywhere }) =>
    everywhere
      .selectFrom('nodes')
      .select(({ fn }) => ['region', fn.countAll().as('nodes'), fn.count('trusts').as('trusting')])
      .where('deregistered_at', 'is', null)
      .groupBy('region')
      .execute(),
  );
  const unserved = nodes.filter(({ region }) => !regions.includes(region));
  if (unserved.length > 0) {
    const what = unserved.map((row) => `${row.region} (${count(Number(row.nodes))})`).join(', ');
    const flags = [...regions, ...unserved.map(({ region }) => region)].map((name) => `--region ${name}`);
    throw new StartupError(
      `There are nodes in regions that these flags don't serve: ${what}. Start with ${flags.join(' ')}, or deregister them first.`,
    );
  }
  const trusting = nodes.reduce((sum, row) => sum + Number(row.trusting), 0);
  if (!options.tlsCert && !existsSync(join(data, 'ca.crt')) && trusting > (options.cutOffNodes ?? 0)) {
    throw new StartupError(
      `${count(trusting)} trust a CA that isn't in ${data}: a new one would cut them off. Put ca.crt, ca.key and secrets.key back, from a backup made --with-secrets or from the old folder. To make a new one and enrol them again: --cut-off-nodes ${trusting}`,
    );
  }
}

function count(nodes: number): string {
  return nodes === 1 ? '1 node' : `${nodes} nodes`;
}
