/**
 * `ListPickable`: who can be chosen for a document, and who can't and why. The first reason that applies is the
 * one that is said, in the order in which mending them makes sense.
 */
import type { ListPickableInput, ListPickableOutput } from '@rollcall/wire';
import { documentArn, type FoundDocument } from '../documents/index.ts';
import { nodeArn } from '../nodes/index.ts';
import type { NodeFacts } from '../roster/index.ts';
import {
  type AnyOperation,
  type Call,
  dateOf,
  operation,
  present,
  readToken,
  writeToken,
} from '../service/index.ts';
import type { VerdictsDeps } from './deps.ts';
import { isOlder, minimumVersions } from './minimum-versions.ts';

type Reason = ListPickableOutput['Reasons'][number]['Reason'];
type ListedNode = ListPickableOutput['Nodes'][number];

interface Judged {
  readonly node: NodeFacts;
  readonly why?: { readonly reason: Reason; readonly detail?: string | undefined };
}

const order: readonly Reason[] = ['platform', 'agent-too-old', 'rights', 'ping', 'channel', 'region'];
const mostExamples = 9;

/** Declares it. */
export function pickableOperation(deps: VerdictsDeps): AnyOperation {
  return operation<ListPickableInput, ListPickableOutput>({
    service: 'rollcall',
    name: 'ListPickable',
    access: { by: 'policy', action: 'rollcall:ListPickable', resources: () => ['*'] },
    changes: false,
    async handle(call, input) {
      const {
        DocumentName,
        DocumentVersion,
        Which: which = 'can',
        MaxResults: size = 100,
        NextToken,
      } = input;
      const question = ['ListPickable', call.region, DocumentName, DocumentVersion, which];
      const after = readToken<readonly [number, string]>(question, NextToken, [0, '']);
      const { found, elsewhere } = await deps.store.read(async (tx) => ({
        found: await deps.documents.find(tx, call.region, DocumentName, DocumentVersion),
        elsewhere: await tx.everywhere
          .selectFrom('nodes')
          .select((row) => ['region', row.fn.countAll<number | string>().as('count')])
          .where('region', 'in', deps.regions.filter((region) => region !== call.region).concat(''))
          .where('deregistered_at', 'is', null)
          .groupBy('region')
          .execute(),
      }));
      const landscape = await deps.roster.landscape(call.region);
      const nodes = [...landscape.nodes.values()]
        .filter((node) => node.deregistered_at === null && !node.presence.hidden)
        .sort(inOrder);
      const document = documentArn(call.region, call.account, found.name);
      const maySend = (await deps.decide(call, 'ssm:SendCommand', [document])).allowed;
      const judged: Judged[] = [];
      for (const node of nodes) judged.push(await judge(deps, call, found, node, maySend));
      const asked = judged.filter(({ why }) => which === 'all' || (which === 'can') === (why === undefined));
      const rest = after ? asked.filter(({ node }) => isAfter(node, after)) : asked;
      const page = rest.slice(0, size);
      const last = page.at(-1)?.node;
      return {
        Document: found.name,
        Platforms: [...found.platformTypes],
        MaySend: maySend,
        Total: nodes.length,
        CanCount: judged.filter(({ why }) => why === undefined).length,
        Reasons: [
          ...counted(judged),
          ...elsewhere.map(({ region, count }) => ({
            Reason: 'region' as const,
            Detail: region,
            Count: Number(count),
            Examples: [],
          })),
        ],
        Nodes: page.map(listed),
        ...(rest.length > size &&
          last && { NextToken: writeToken(question, [last.registered_at, last.node_id]) }),
      };
    },
  });
}

async function judge(
  deps: VerdictsDeps,
  call: Call,
  found: FoundDocument,
  node: NodeFacts,
  maySend: boolean,
): Promise<Judged> {
  const platform = node.platform_type;
  if (platform !== null && !found.platformTypes.some((one) => one === platform)) {
    return { node, why: { reason: 'platform', detail: platform } };
  }
  const least = minimumVersions[found.name];
  const official = node.agent_name === null || /amazon/i.test(node.agent_name);
  if (least !== undefined && official && node.agent_version !== null && isOlder(node.agent_version, least)) {
    return { node, why: { reason: 'agent-too-old', detail: node.agent_version } };
  }
  if (!maySend) return { node, why: { reason: 'rights' } };
  const { allowed } = await deps.decide(call, 'ssm:SendCommand', [
    nodeArn(call.region, call.account, node.node_id),
  ]);
  if (!allowed) return { node, why: { reason: 'rights' } };
  if (node.presence.status !== 'Online') return { node, why: { reason: 'ping' } };
  // An agent that polls fetches its commands without a channel.
  if (!node.presence.connected && !deps.isPolling(node.node_id)) return { node, why: { reason: 'channel' } };
  return { node };
}

/** In the order of the list. */
function inOrder(a: NodeFacts, b: NodeFacts): number {
  return a.registered_at - b.registered_at || (a.node_id < b.node_id ? -1 : 1);
}

function isAfter(node: NodeFacts, [at, id]: readonly [number, string]): boolean {
  return node.registered_at > at || (node.registered_at === at && node.node_id > id);
}

function counted(judged: readonly Judged[]): ListPickableOutput['Reasons'] {
  const groups = new Map<string, { reason: Reason; detail: string | undefined; nodes: NodeFacts[] }>();
  for (const { node, why } of judged) {
    if (!why) continue;
    const key = `${why.reason}\n${why.detail ?? ''}`;
    const group = groups.get(key) ?? { reason: why.reason, detail: why.detail, nodes: [] };
    groups.set(key, group);
    group.nodes.push(node);
  }
  return [...groups.values()]
    .sort((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason) || b.nodes.length - a.nodes.length)
    .map(({ reason, detail, nodes }) => ({
      Reason: reason,
      ...(detail !== undefined && { Detail: detail }),
      Count: nodes.length,
      Examples: nodes.slice(0, mostExamples).map((node) =>
        present<ListPickableOutput['Reasons'][number]['Examples'][number]>({
          InstanceId: node.node_id,
          Name: node.name ?? node.computer_name,
        }),
      ),
    }));
}

function listed({ node, why }: Judged): ListedNode {
  return present<ListedNode>({
    InstanceId: node.node_id,
    Name: node.name ?? node.computer_name,
    PlatformType: node.platform_type,
    PlatformName: node.platform_name,
    PlatformVersion: node.platform_version,
    AgentVersion: node.agent_version,
    PingStatus: node.presence.status,
    LastPingDateTime: dateOf(node.last_ping),
    ChannelOpen: node.presence.connected,
    CanBePicked: why === undefined,
    Reason: why?.reason,
    Detail: why?.detail,
  });
}
