/** `AddTagsToResource`, `RemoveTagsFromResource`, `ListTagsForResource`. */
import type {
  AddTagsToResourceRequest,
  AddTagsToResourceResult,
  ListTagsForResourceRequest,
  ListTagsForResourceResult,
  RemoveTagsFromResourceRequest,
  RemoveTagsFromResourceResult,
} from '@aws-sdk/client-ssm';
import { recordAudit } from '../audit/index.ts';
import { type Access, type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { ReadTx, Store } from '../store/index.ts';
import type { TaggedType } from './index.ts';
import { putTags, removeTags, tagsOf } from './queries.ts';
import { checkTags, tagLimit, tooManyTags } from './rules.ts';

interface Tagged {
  readonly ResourceType: string | undefined;
  readonly ResourceId: string | undefined;
}

/** Declares the operations of tags. */
export function tagOperations(deps: {
  readonly store: Store;
  readonly types: ReadonlyMap<string, TaggedType>;
}): readonly AnyOperation[] {
  const { store, types } = deps;

  /** A type that isn't served has no ARN: only who may do it to everything gets as far as the refusal. */
  function arnOf(input: Tagged, call: Call): string {
    return types.get(input.ResourceType ?? '')?.arn(call.region, call.account, input.ResourceId ?? '') ?? '*';
  }
  function access<I extends Tagged>(action: string): Access<I> {
    return { by: 'policy', action, resources: (input, call) => [arnOf(input, call)] };
  }
  async function find(tx: ReadTx, call: Call, input: Tagged): Promise<{ type: string; id: string }> {
    const type = types.get(input.ResourceType ?? '');
    if (!type) {
      const served = [...types.keys()].join(', ');
      throw new Refusal(
        'InvalidResourceType',
        `The resource type isn't valid here: ${input.ResourceType}. Served: ${served}.`,
      );
    }
    const id = input.ResourceId ?? '';
    if (!(await type.exists(tx, call.region, id))) {
      throw new Refusal('InvalidResourceId', `The resource ID isn't valid: ${id}`);
    }
    return { type: type.type, id };
  }

  return [
    operation<AddTagsToResourceRequest, AddTagsToResourceResult>({
      service: 'ssm',
      name: 'AddTagsToResource',
      access: access('ssm:AddTagsToResource'),
      changes: true,
      async handle(call, input) {
        const tags = input.Tags ?? [];
        checkTags(tags);
        await store.write(async (tx) => {
          const { type, id } = await find(tx, call, input);
          const keys = new Set((await tagsOf(tx, call.region, type, id)).map((tag) => tag.Key));
          for (const tag of tags) keys.add(tag.Key);
          if (keys.size > tagLimit) throw tooManyTags();
          await putTags(tx, call.region, type, id, tags);
          await recordAudit(tx, call, {
            resource: arnOf(input, call),
            detail: { added: tags.map((tag) => `${tag.Key}=${tag.Value}`).join(', ') },
          });
        });
        return {};
      },
    }),
    operation<RemoveTagsFromResourceRequest, RemoveTagsFromResourceResult>({
      service: 'ssm',
      name: 'RemoveTagsFromResource',
      access: access('ssm:RemoveTagsFromResource'),
      changes: true,
      async handle(call, input) {
        const keys = input.TagKeys ?? [];
        await store.write(async (tx) => {
          const { type, id } = await find(tx, call, input);
          await removeTags(tx, call.region, type, id, keys);
          await recordAudit(tx, call, { resource: arnOf(input, call), detail: { removed: keys.join(', ') } });
        });
        return {};
      },
    }),
    operation<ListTagsForResourceRequest, ListTagsForResourceResult>({
      service: 'ssm',
      name: 'ListTagsForResource',
      access: access('ssm:ListTagsForResource'),
      changes: false,
      async handle(call, input) {
        return store.read(async (tx) => {
          const { type, id } = await find(tx, call, input);
          return { TagList: await tagsOf(tx, call.region, type, id) };
        });
      },
    }),
  ];
}
