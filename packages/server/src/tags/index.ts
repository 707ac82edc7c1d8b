/**
 * Tags on what can be tagged. Which resources exist is their own folders' knowledge: each announces its
 * type here.
 */
import type { Tag } from '@aws-sdk/client-ssm';
import type { Clock } from '../clock.ts';
import type { AnyOperation } from '../service/index.ts';
import type { ReadTx, Store, WriteTx } from '../store/index.ts';
import { tagOperations } from './operations.ts';
import { dropTags, putTags, tagsOf, tagsOfMany } from './queries.ts';
import { checkTags } from './rules.ts';

export { checkTags, tagLimit } from './rules.ts';

/** A type of resource that can be tagged. */
export interface TaggedType {
  /** The type as `AddTagsToResource` names it. */
  readonly type: string;
  /** The ARN that policies name. */
  arn(region: string, account: string, id: string): string;
  exists(tx: ReadTx, region: string, id: string): Promise<boolean>;
}

/** Tags, of everything that has them. */
export interface Tags {
  readonly operations: readonly AnyOperation[];
  /** Lets resources of a type be tagged. */
  serve(type: TaggedType): void;
  /** Sets tags in the transaction that makes the resource; they have been checked. */
  put(tx: WriteTx, region: string, type: string, id: string, tags: readonly Tag[]): Promise<void>;
  /** Removes all tags, in the transaction that removes the resource. */
  drop(tx: WriteTx, region: string, type: string, id: string): Promise<void>;
  /** The tags of a resource, by key. */
  of(tx: ReadTx, region: string, type: string, id: string): Promise<Tag[]>;
  /** The tags of many resources of a type. */
  ofMany(
    tx: ReadTx,
    region: string,
    type: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Tag[]>>;
}

/** Opens the tags. */
export function openTags(deps: { readonly store: Store; readonly clock: Clock }): Tags {
  const types = new Map<string, TaggedType>();
  return {
    operations: tagOperations({ store: deps.store, types }),
    serve: (type) => void types.set(type.type, type),
    async put(tx, region, type, id, tags) {
      checkTags(tags);
      await putTags(tx, region, type, id, tags);
    },
    drop: dropTags,
    of: tagsOf,
    ofMany: tagsOfMany,
  };
}
