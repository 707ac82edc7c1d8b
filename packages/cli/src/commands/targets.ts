/** Finds out which nodes are meant: what a person called them, against what the server knows. */

import type { PreviewTargetsInput, PreviewTargetsOutput } from '@rollcall/wire';
import { atData } from '../at-data.ts';
import type { Client } from '../client.ts';
import { Failure } from '../failure.ts';
import type { Wire } from '../wire.ts';
import type { NodeWords, Target } from './words.ts';

/** Nodes as SendCommand takes them. */
export type TargetRequest =
  | { readonly InstanceIds: readonly string[] }
  | { readonly Targets: readonly Target[] };

/** How many nodes a command would go to, and how they are. */
export type Preview = Wire<PreviewTargetsOutput>;

/** Every node of the region. */
export const everyNode: TargetRequest = { Targets: [{ Key: 'InstanceIds', Values: ['*'] }] };

/** Asks what would be reached. With a document, what can't run it is counted. */
export function preview(client: Client, request: TargetRequest, document?: string, version?: string) {
  const input = {
    ...request,
    ...(document !== undefined && { DocumentName: document }),
    ...(version !== undefined && { DocumentVersion: version }),
  } satisfies Omit<PreviewTargetsInput, 'InstanceIds' | 'Targets'>;
  return client.call<Preview>('rollcall', 'PreviewTargets', input);
}

/**
 * The ids of nodes that were named one by one. A name of several is refused; a name of nobody too, with what may
 * have been meant instead.
 */
export function findNamed(
  client: Client,
  names: readonly string[],
  region: string,
  hint = '',
): Promise<string[]> {
  return Promise.all(names.map((name) => findOne(client, name, region, hint)));
}

async function findOne(client: Client, name: string, region: string, hint: string): Promise<string> {
  const found = await preview(client, { Targets: [{ Key: 'rollcall:name', Values: [name] }] });
  const [only] = found.Nodes;
  if (!only)
    throw new Failure(
      `No node is called "${name}" in ${region}. Which there are: rollcall nodes${atData()}${hint}`,
    );
  if (found.Total === 1) return only.InstanceId;
  const ids = found.Nodes.slice(0, 10).map((node) => `  ${node.InstanceId}`);
  throw new Failure(`${found.Total} nodes are called "${name}". Say which:\n${ids.join('\n')}`);
}

/** What is sent for `words`, once the nodes that were named one by one are known. */
export function requestFor(words: NodeWords, named: readonly string[]): TargetRequest {
  if (words.all) return everyNode;
  const ids = [...new Set([...words.ids, ...named])];
  if (!words.patterns.length && !words.tags.length) return { InstanceIds: ids };
  // By this key of ours a node is found by its id as well.
  const Values = [...ids, ...words.patterns];
  return { Targets: [...(Values.length ? [{ Key: 'rollcall:name', Values }] : []), ...words.tags] };
}

/** Whether each node was named by itself, so that the person knows which they are. */
export function isExact(words: NodeWords): boolean {
  return !words.all && !words.patterns.length && !words.tags.length;
}
