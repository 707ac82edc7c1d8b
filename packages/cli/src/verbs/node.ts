/** `rollcall node`: what can be done to one node. */

import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { isNodeId, resolveNode } from '../nodes.ts';
import { dataOption, regionOption, type SharedOptions } from '../options.ts';

/** Declares `node`. */
export function node(command: Command, io: Io): void {
  command.description('Deregisters, restores or tags a node.');
  shared(
    command.command('deregister <node>').description('take a node out of the list and revoke its keys'),
  ).action((typed: string, options: SharedOptions) => deregister(typed, options, io));
  shared(command.command('restore <node>').description('bring a deregistered node back')).action(
    (typed: string, options: SharedOptions) => restore(typed, options, io),
  );
  shared(command.command('tag <node> <tags...>').description('set tags, written key=value')).action(
    (typed: string, tags: string[], options: SharedOptions) => tag(typed, tags, options, io),
  );
  shared(command.command('untag <node> <keys...>').description('remove tags')).action(
    (typed: string, keys: string[], options: SharedOptions) => untag(typed, keys, options, io),
  );
}

function shared(command: Command): Command {
  return dataOption(regionOption(command));
}

function deregister(typed: string, options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    const InstanceId = await resolveNode(client, typed);
    await client.call('ssm', 'DeregisterManagedInstance', { InstanceId });
    print(`${screen.mark('yes')} ${screen.text(InstanceId)} is deregistered and out of the list.`);
    print(`    undo: rollcall node restore${atData()} ${screen.text(InstanceId)}`);
  });
}

function restore(typed: string, options: SharedOptions, io: Io): Promise<void> {
  if (!isNodeId(typed))
    throw new Failure(
      `"${typed}" is no node id. The ids of deregistered nodes: rollcall nodes${atData()} --deregistered`,
    );
  return ask(io, options, async ({ client, screen, print }) => {
    await client.call('rollcall', 'RestoreNode', { InstanceId: typed });
    print(`${screen.mark('yes')} ${typed} is registered again, with the key that it had.`);
    print(`    to see it come back: rollcall wait${atData()} ${typed}`);
  });
}

function tag(typed: string, tags: readonly string[], options: SharedOptions, io: Io): Promise<void> {
  const Tags = tags.map((text) => readTag(text));
  return ask(io, options, async ({ client, screen, print }) => {
    const ResourceId = await resolveNode(client, typed);
    await client.call('ssm', 'AddTagsToResource', { ResourceType: 'ManagedInstance', ResourceId, Tags });
    print(
      `${screen.mark('yes')} ${screen.text(ResourceId)} has ${Tags.length === 1 ? 'the tag' : 'the tags'}.`,
    );
  });
}

function untag(typed: string, TagKeys: readonly string[], options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print }) => {
    const ResourceId = await resolveNode(client, typed);
    await client.call('ssm', 'RemoveTagsFromResource', {
      ResourceType: 'ManagedInstance',
      ResourceId,
      TagKeys,
    });
    print(
      `${screen.mark('yes')} ${screen.text(ResourceId)} no longer has ${TagKeys.length === 1 ? 'the tag' : 'the tags'}.`,
    );
  });
}

/** `key=value`; the value may be empty and may have more equals signs. */
export function readTag(text: string): { Key: string; Value: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new Failure(`"${text}" is no tag: write key=value.`);
  return { Key: text.slice(0, at), Value: text.slice(at + 1) };
}
