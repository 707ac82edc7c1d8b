/**
 * Sending and cancelling commands, ready to be done once. Nobody takes these commands: what becomes of them on
 * nodes is the matter of `commands/`.
 */
import { newAgent } from '../harness/simulated-agent.ts';
import { type Drive, uniqueName } from './drive.ts';
import type { World } from './world.ts';

/** Nodes that have reported what they are, and are not connected. */
async function nodes(world: World, count: number): Promise<string[]> {
  const made = await world.admin.ask('ssm:CreateActivation', {
    IamRole: 'service-role/Nodes',
    RegistrationLimit: count,
    Tags: [{ Key: 'from', Value: 'activation' }],
  });
  world.promise({ operation: 'ssm:CreateActivation', resource: made.ActivationId });
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const agent = newAgent(world.nextKey());
    await world.nodes.register(agent, { id: made.ActivationId, code: made.ActivationCode });
    world.promise({ operation: 'ssm:RegisterManagedInstance', resource: agent.nodeId });
    await world.nodes.calls.heartbeat(agent, 'full');
    ids.push(agent.nodeId);
  }
  return ids;
}

/** Sends a command to nodes, one at a time; answers its id, and promises that it is there. */
async function send(world: World, InstanceIds: readonly string[], Comment: string): Promise<string> {
  const { Command } = await world.admin.ask('ssm:SendCommand', {
    DocumentName: 'AWS-RunShellScript',
    Parameters: { commands: ['true'] },
    InstanceIds,
    MaxConcurrency: '1',
    Comment,
  });
  const { CommandId, TargetCount } = Command;
  if (TargetCount !== InstanceIds.length) throw new Error(`${CommandId} has ${TargetCount} targets`);
  world.promise({
    what: `the command ${CommandId}`,
    holds: (books) => books.command(CommandId)?.target_count === InstanceIds.length,
  });
  return CommandId;
}

/** What the server calls them, by name. */
export const commandDrives: Readonly<Record<string, (world: World) => Promise<Drive>>> = {
  'ssm:SendCommand': async (world) => {
    const ids = await nodes(world, 3);
    const comment = uniqueName('comment');
    return {
      token: comment,
      async act() {
        const id = await send(world, ids, comment);
        return { operation: 'ssm:SendCommand', resource: 'document/AWS-RunShellScript', detail: id };
      },
    };
  },
  'ssm:CancelCommand': async (world) => {
    const CommandId = await send(world, await nodes(world, 3), uniqueName('comment'));
    world.promise({
      operation: 'ssm:SendCommand',
      resource: 'document/AWS-RunShellScript',
      detail: CommandId,
    });
    const resource = `command/${CommandId}`;
    return {
      token: resource,
      async act() {
        await world.admin.ask('ssm:CancelCommand', { CommandId });
        world.promise({
          what: `the end of ${CommandId}`,
          holds: (books) => books.command(CommandId)?.status === 'Cancelled',
        });
        return { operation: 'ssm:CancelCommand', resource };
      },
      async afterwards() {
        await world.admin.ask('ssm:CancelCommand', { CommandId });
        const { Commands } = await world.admin.ask('ssm:ListCommands', { CommandId });
        if (Commands[0].Status !== 'Cancelled') throw new Error(`${CommandId} is ${Commands[0].Status}`);
      },
    };
  },
};
