/** The lists of nodes: AWS's two, and our own. */
import type {
  DescribeInstanceInformationRequest,
  DescribeInstanceInformationResult,
  DescribeInstancePropertiesRequest,
  DescribeInstancePropertiesResult,
} from '@aws-sdk/client-ssm';
import type { ListNodesInput, ListNodesOutput } from '@rollcall/wire';
import type { PresenceView } from '../presence/index.ts';
import {
  type AnyOperation,
  type Call,
  operation,
  type Question,
  Refusal,
  readToken,
  writeToken,
} from '../service/index.ts';
import { type AssociationSummary, associationSummaries } from './association-summary.ts';
import type { NodesCore } from './core.ts';
import { instanceInformation, instanceProperty, nodeSummary } from './describe.ts';
import { type Condition, informationConditions, propertyConditions, withPlatforms } from './filters.ts';
import { countNodes, type ListedNode, type ListQuery, listNodes, type PageKey } from './list-query.ts';

/** Where a page ended, and what was counted for the first one. */
type CountedKey = readonly [registeredAt: number, nodeId: string, all: number, hidden: number];

interface Page {
  readonly nodes: readonly ListedNode[];
  /** What their states are computed with: the same as they were filtered with. */
  readonly view: PresenceView;
  readonly associations: ReadonlyMap<string, AssociationSummary>;
  readonly nextToken: string | undefined;
}

/** Declares the lists. */
export function listOperations(core: NodesCore): readonly AnyOperation[] {
  const { store, presence, tags, hooks } = core;

  /** A node that registered and was never heard is in AWS's lists as `ConnectionLost`, without a last ping. */
  async function page(
    call: Call,
    conditions: readonly Condition[],
    size: number,
    token: string | undefined,
  ): Promise<Page> {
    const question = [call.operation, call.region, conditions];
    const after = pageKey(question, token);
    const view = presence.view();
    return store.read(async (tx) => {
      const resolved = await withPlatforms(conditions, async (document) => {
        if (!hooks.documentPlatforms) throw noDocument(document);
        return hooks.documentPlatforms(tx, call.region, document);
      });
      const rows = await listNodes(tx, call.region, view, { conditions: resolved, after, limit: size + 1 });
      const nodes = rows.slice(0, size);
      const ids = nodes.map((node) => node.node_id);
      return {
        nodes,
        view,
        associations: await associationSummaries(tx, call.region, ids),
        nextToken: tokenAfter(question, rows, size),
      };
    });
  }

  return [
    operation<DescribeInstanceInformationRequest, DescribeInstanceInformationResult>({
      service: 'ssm',
      name: 'DescribeInstanceInformation',
      access: { by: 'policy', action: 'ssm:DescribeInstanceInformation', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const conditions = informationConditions(input);
        const found = await page(call, conditions, input.MaxResults ?? 10, input.NextToken);
        return {
          InstanceInformationList: found.nodes.map((node) =>
            instanceInformation(
              node,
              presence.statusOf(node, found.view),
              found.associations.get(node.node_id),
            ),
          ),
          ...(found.nextToken !== undefined && { NextToken: found.nextToken }),
        };
      },
    }),
    operation<DescribeInstancePropertiesRequest, DescribeInstancePropertiesResult>({
      service: 'ssm',
      name: 'DescribeInstanceProperties',
      access: { by: 'policy', action: 'ssm:DescribeInstanceProperties', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const conditions = propertyConditions(input);
        const found = await page(call, conditions, input.MaxResults ?? 10, input.NextToken);
        return {
          InstanceProperties: found.nodes.map((node) =>
            instanceProperty(node, presence.statusOf(node, found.view), found.associations.get(node.node_id)),
          ),
          ...(found.nextToken !== undefined && { NextToken: found.nextToken }),
        };
      },
    }),
    operation<ListNodesInput, ListNodesOutput>({
      service: 'rollcall',
      name: 'ListNodes',
      access: { by: 'policy', action: 'rollcall:ListNodes', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const size = input.MaxResults ?? 100;
        const conditions: Condition[] =
          input.Name === undefined ? [] : [{ field: 'called', operator: 'Equal', values: [input.Name] }];
        const deregistered = input.Deregistered ?? false;
        const question = ['ListNodes', call.region, conditions, deregistered, input.Hidden ?? false];
        // Counting looks at every node: done for the first page only, and handed on from page to page.
        const started = readToken<CountedKey>(question, input.NextToken, [0, '', 0, 0]);
        const query: ListQuery = {
          conditions,
          deregistered,
          ...(!deregistered && { hidden: input.Hidden ?? false }),
          after: started && [started[0], started[1]],
          limit: size + 1,
        };
        const view = presence.view();
        return store.read(async (tx) => {
          const rows = await listNodes(tx, call.region, view, query);
          const nodes = rows.slice(0, size);
          const ids = nodes.map((node) => node.node_id);
          const tagsOf = await tags.ofMany(tx, call.region, 'ManagedInstance', ids);
          const counted = started
            ? { all: started[2], hidden: started[3] }
            : await countNodes(tx, call.region, view, query);
          const next = tokenAfter(question, rows, size, [counted.all, counted.hidden]);
          return {
            Nodes: nodes.map((node) =>
              nodeSummary(node, presence.statusOf(node, view), tagsOf.get(node.node_id) ?? []),
            ),
            Total: deregistered ? counted.all : input.Hidden ? counted.hidden : counted.all - counted.hidden,
            HiddenCount: counted.hidden,
            ...(next !== undefined && { NextToken: next }),
          };
        });
      },
    }),
  ];
}

/** Nobody keeps documents where nodes stand alone, so whichever is named doesn't exist. */
function noDocument(name: string): Refusal {
  return new Refusal('InvalidDocument', `Document with name ${name} does not exist.`);
}

function pageKey(question: Question, token: string | undefined): PageKey | undefined {
  return readToken<PageKey>(question, token, [0, '']);
}

function tokenAfter(
  question: Question,
  rows: readonly ListedNode[],
  size: number,
  more: readonly number[] = [],
): string | undefined {
  const last = rows[size - 1];
  if (rows.length <= size || !last) return undefined;
  return writeToken(question, [last.registered_at, last.node_id, ...more]);
}
