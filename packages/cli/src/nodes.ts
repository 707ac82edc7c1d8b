/** Finding a node by what a person types, and what the list says about it. */

import type { ListNodesOutput, NodeSummary } from '@rollcall/wire';
import { atData } from './at-data.ts';
import type { Client } from './client.ts';
import { exitCodes, Failure } from './failure.ts';
import { listAll, type Wire } from './wire.ts';

/** The role that nodes get when an activation names none. */
export const nodeRole = 'RollcallNode';

/** The members of DescribeInstanceInformation that verbs look at. */
export interface NodeInformation {
  readonly InstanceId: string;
  readonly PingStatus?: string | undefined;
  readonly LastPingDateTime?: number | undefined;
  readonly Name?: string | undefined;
  readonly ComputerName?: string | undefined;
}

/** Whether `text` is an id rather than a name. */
export function isNodeId(text: string): boolean {
  return /^(mi-[0-9a-f]{17}|i-[0-9a-f]{8}([0-9a-f]{9})?)$/.test(text);
}

/** The list's row of one node; undefined when it isn't there. */
export async function findInformation(
  client: Client,
  nodeId: string,
  region?: string,
): Promise<NodeInformation | undefined> {
  const answer = await client.call<{ InstanceInformationList?: NodeInformation[] }>(
    'ssm',
    'DescribeInstanceInformation',
    { Filters: [{ Key: 'InstanceIds', Values: [nodeId] }] },
    { region },
  );
  return answer.InstanceInformationList?.[0];
}

/** The id of the node that `typed` names: an id, a name or a computer name, if only one node has it. */
export async function resolveNode(client: Client, typed: string, region?: string): Promise<string> {
  if (isNodeId(typed)) return typed;
  const named = await nodesNamed(client, typed, region);
  const [only, ...others] = named;
  if (only && others.length === 0) return only.InstanceId;
  if (only) {
    const ids = named.map((node) => `  ${node.InstanceId}`).slice(0, 10);
    throw new Failure(
      `${named.length} nodes are called "${typed}"; say which:\n${ids.join('\n')}`,
      exitCodes.no,
    );
  }
  throw new Failure(
    `No node is called "${typed}" here. All of them: rollcall nodes${atData()}`,
    exitCodes.no,
  );
}

/** All nodes, the hidden ones too, whose name or computer name is exactly `name`. */
export async function nodesNamed(
  client: Client,
  name: string,
  region?: string,
): Promise<Wire<NodeSummary>[]> {
  const found: Wire<NodeSummary>[] = [];
  for (const Hidden of [false, true]) {
    const { items } = await listAll<Wire<NodeSummary>, Wire<ListNodesOutput>>(
      client,
      'ListNodes',
      { Name: name, Hidden },
      (page) => page.Nodes,
      { region },
    );
    found.push(...items.filter((node) => node.Name === name || node.ComputerName === name));
  }
  return found;
}
