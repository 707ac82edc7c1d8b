/**
 * Every operation that changes what is stored, as something that can be done once, now: what it needs is made
 * before, and afterwards it says what must be found if its answer arrived.
 */
import { join } from 'node:path';
import type { SimulatedAgent } from '../harness/agent-calls.ts';
import { newAgent } from '../harness/simulated-agent.ts';
import { commandDrives } from './command-drives.ts';
import { documentDrives } from './document-drives.ts';
import { type Drive, type Promised, uniqueName } from './drive.ts';
import type { Activation } from './nodes.ts';
import { rosterDrives } from './roster-drives.ts';
import type { World } from './world.ts';

const administrator = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'ssm:*', Resource: '*' }],
});

async function activation(world: World, limit = 3): Promise<Activation> {
  const made = await world.admin.ask('ssm:CreateActivation', {
    IamRole: 'service-role/Nodes',
    RegistrationLimit: limit,
    Tags: [{ Key: 'from', Value: 'activation' }],
  });
  world.promise({ operation: 'ssm:CreateActivation', resource: made.ActivationId });
  return { id: made.ActivationId, code: made.ActivationCode };
}

async function node(world: World): Promise<SimulatedAgent> {
  const agent = newAgent(world.nextKey());
  await world.nodes.register(agent, await activation(world));
  world.promise({ operation: 'ssm:RegisterManagedInstance', resource: agent.nodeId });
  return agent;
}

/** A node that has sent all its facts. */
async function livingNode(world: World): Promise<SimulatedAgent> {
  const agent = await node(world);
  await heartbeat(world, agent);
  return agent;
}

/** Sends a heartbeat; answers what its answer promised. */
async function heartbeat(world: World, agent: SimulatedAgent, facts: object = {}): Promise<Promised> {
  const sent = Date.now();
  await world.nodes.calls.call(agent, 'AmazonSSM.UpdateInstanceInformation', {
    AgentName: 'amazon-ssm-agent',
    AgentStatus: 'Active',
    AgentVersion: '3.3.0.0',
    ComputerName: `machine-${agent.number}`,
    InstanceId: agent.nodeId,
    IPAddress: '10.0.0.1',
    PlatformName: 'Debian GNU/Linux',
    PlatformType: 'Linux',
    PlatformVersion: '12',
    ...facts,
  });
  return {
    what: `the heartbeat of ${agent.nodeId}`,
    holds: (books) => Number(books.presence(agent.nodeId)?.last_ping ?? 0) >= sent,
  };
}

async function user(world: World): Promise<{ UserName: string; AccessKeyId: string }> {
  const UserName = uniqueName('user');
  const made = await world.admin.ask('rollcall:CreateUser', { UserName });
  world.promise({
    operation: 'rollcall:CreateUser',
    resource: `user/${UserName}`,
    detail: made.AccessKey.AccessKeyId,
  });
  return { UserName, AccessKeyId: made.AccessKey.AccessKeyId };
}

/** A call of the administrator whose answer promises an audit row. */
function call(world: World, operation: string, input: object, resource: string, detail?: string): Drive {
  return {
    token: operation,
    async act() {
      await world.admin.ask(operation, input);
      return { operation, resource, ...(detail === undefined ? {} : { detail }) };
    },
  };
}

/** What the server calls itself, by name. Those that the audit trail doesn't know are routine. */
export const drives: Readonly<Record<string, (world: World) => Promise<Drive>>> = {
  'ssm:CreateActivation': async (world) => ({
    token: 'ssm:CreateActivation',
    async act() {
      const made = await world.admin.ask('ssm:CreateActivation', { IamRole: 'service-role/Nodes' });
      return { operation: 'ssm:CreateActivation', resource: made.ActivationId };
    },
  }),
  'ssm:DeleteActivation': async (world) => {
    const { id: ActivationId } = await activation(world);
    return call(world, 'ssm:DeleteActivation', { ActivationId }, ActivationId);
  },
  'ssm:RegisterManagedInstance': async (world) => {
    const made = await activation(world);
    const agent = newAgent(world.nextKey());
    return {
      token: 'ssm:RegisterManagedInstance',
      async act() {
        await world.nodes.register(agent, made);
        return { operation: 'ssm:RegisterManagedInstance', resource: agent.nodeId };
      },
      // It asks again with the same key, as our agent does, and is the same node.
      async afterwards(answered) {
        const before = agent.nodeId;
        await world.nodes.register(agent, made);
        if (answered && agent.nodeId !== before) throw new Error(`${before} became ${agent.nodeId}`);
        const { Registered } = await world.admin.ask('rollcall:GetActivationProgress', {
          ActivationId: made.id,
        });
        if (Registered !== 1) throw new Error(`one machine took ${Registered} registrations`);
        world.promise({ operation: 'ssm:RegisterManagedInstance', resource: agent.nodeId });
      },
    };
  },
  'ssm:UpdateManagedInstancePublicKey': async (world) => {
    const agent = await livingNode(world);
    const [before, after] = [agent.number, world.nextKey()];
    return {
      token: 'ssm:UpdateManagedInstancePublicKey',
      async act() {
        await world.nodes.changeKey(agent, after);
        return { operation: 'ssm:UpdateManagedInstancePublicKey', resource: agent.nodeId };
      },
      // The old key is good for a while; the new one is when it was answered.
      async afterwards(answered) {
        await world.nodes.calls.fetchCredentials({ ...agent, number: before });
        if (answered) await world.nodes.calls.fetchCredentials({ ...agent, number: after });
      },
    };
  },
  'ssm:UpdateInstanceInformation': async (world) => {
    const agent = await livingNode(world);
    return { token: agent.nodeId, act: () => heartbeat(world, agent) };
  },
  'ssm:UpdateInstanceInformation changed facts': async (world) => {
    const agent = await livingNode(world);
    const ComputerName = uniqueName('renamed');
    return {
      token: ComputerName,
      async act() {
        await heartbeat(world, agent, { ComputerName });
        return {
          what: `the new name of ${agent.nodeId}`,
          holds: (books) => books.node(agent.nodeId)?.computer_name === ComputerName,
        };
      },
    };
  },
  'ssm:UpdateInstanceAssociationStatus': async (world) => {
    const agent = await livingNode(world);
    const found = await world.admin.ask('ssm:DescribeInstanceAssociationsStatus', {
      InstanceId: agent.nodeId,
    });
    const [{ AssociationId }] = found.InstanceAssociationStatusInfos;
    const summary = uniqueName('done');
    return {
      token: summary,
      async act() {
        await world.nodes.calls.call(agent, 'AmazonSSM.UpdateInstanceAssociationStatus', {
          InstanceId: agent.nodeId,
          AssociationId,
          ExecutionResult: {
            Status: 'Success',
            ExecutionDate: Math.floor(Date.now() / 1000),
            ExecutionSummary: summary,
          },
        });
        return {
          what: `the association status of ${agent.nodeId}`,
          holds: (books) => books.statuses(agent.nodeId).some((row) => row.execution_summary === summary),
        };
      },
    };
  },
  'ssmmessages:OpenControlChannel': async (world) => {
    const agent = await livingNode(world);
    return {
      token: agent.nodeId,
      async act() {
        await world.nodes.openChannel(agent);
        return {
          what: `the channel of ${agent.nodeId}`,
          holds: (books) => books.presence(agent.nodeId)?.epoch === 1,
        };
      },
    };
  },
  'ssmmessages:OpenControlChannel closed again': async (world) => {
    const agent = await livingNode(world);
    await world.nodes.openChannel(agent);
    return {
      token: agent.nodeId,
      async act() {
        await world.nodes.closeChannel(agent);
        return {
          what: `the end of the channel of ${agent.nodeId}`,
          holds: (books) => books.presence(agent.nodeId)?.closed_by === 'node',
        };
      },
    };
  },
  'ssm:DeregisterManagedInstance': async (world) => {
    const { nodeId } = await livingNode(world);
    return call(world, 'ssm:DeregisterManagedInstance', { InstanceId: nodeId }, nodeId);
  },
  'rollcall:RestoreNode': async (world) => {
    const { nodeId } = await livingNode(world);
    await world.admin.ask('ssm:DeregisterManagedInstance', { InstanceId: nodeId });
    world.promise({ operation: 'ssm:DeregisterManagedInstance', resource: nodeId });
    return call(world, 'rollcall:RestoreNode', { InstanceId: nodeId }, nodeId);
  },
  'ssm:UpdateManagedInstanceRole': async (world) => {
    const { nodeId } = await node(world);
    const IamRole = uniqueName('role');
    const input = { InstanceId: nodeId, IamRole };
    return call(world, 'ssm:UpdateManagedInstanceRole', input, nodeId, IamRole);
  },
  'ssm:AddTagsToResource': async (world) => {
    const { nodeId } = await node(world);
    const Tags = [
      { Key: 'one', Value: uniqueName('v') },
      { Key: 'two', Value: uniqueName('v') },
    ];
    const input = { ResourceType: 'ManagedInstance', ResourceId: nodeId, Tags };
    return call(world, 'ssm:AddTagsToResource', input, nodeId, Tags[1]!.Value);
  },
  'ssm:RemoveTagsFromResource': async (world) => {
    const { nodeId } = await node(world);
    const input = { ResourceType: 'ManagedInstance', ResourceId: nodeId, TagKeys: ['from'] };
    return call(world, 'ssm:RemoveTagsFromResource', input, nodeId);
  },
  'rollcall:CreateUser': async (world) => {
    const UserName = uniqueName('user');
    return call(world, 'rollcall:CreateUser', { UserName }, `user/${UserName}`);
  },
  'rollcall:DeleteUser': async (world) => {
    const { UserName } = await user(world);
    return call(world, 'rollcall:DeleteUser', { UserName }, `user/${UserName}`);
  },
  'rollcall:PutUserPolicy': async (world) => {
    const { UserName } = await user(world);
    const input = { UserName, PolicyDocument: administrator };
    return call(world, 'rollcall:PutUserPolicy', input, `user/${UserName}`);
  },
  'rollcall:CreateAccessKey': async (world) => {
    const { UserName } = await user(world);
    return {
      token: 'rollcall:CreateAccessKey',
      async act() {
        const { AccessKey } = await world.admin.ask('rollcall:CreateAccessKey', { UserName });
        const resource = `user/${UserName}`;
        return { operation: 'rollcall:CreateAccessKey', resource, detail: AccessKey.AccessKeyId };
      },
    };
  },
  'rollcall:UpdateAccessKey': async (world) => {
    const { UserName, AccessKeyId } = await user(world);
    const input = { AccessKeyId, Status: 'Inactive' };
    return call(world, 'rollcall:UpdateAccessKey', input, `user/${UserName}`, 'Inactive');
  },
  'rollcall:DeleteAccessKey': async (world) => {
    const { UserName, AccessKeyId } = await user(world);
    return call(world, 'rollcall:DeleteAccessKey', { AccessKeyId }, `user/${UserName}`, AccessKeyId);
  },
  'rollcall:PutSetting': async (world) => {
    const Value = String(100 + world.random(900));
    const input = { Name: 'retention-events-days', Value };
    return call(world, 'rollcall:PutSetting', input, 'setting/retention-events-days', Value);
  },
  'ssm:UpdateServiceSetting': async (world) => {
    const SettingId = '/ssm/managed-instance/activation-tier';
    return call(world, 'ssm:UpdateServiceSetting', { SettingId, SettingValue: 'advanced' }, SettingId);
  },
  'ssm:ResetServiceSetting': async (world) => {
    const SettingId = '/ssm/managed-instance/activation-tier';
    await world.admin.ask('ssm:UpdateServiceSetting', { SettingId, SettingValue: 'advanced' });
    world.promise({ operation: 'ssm:UpdateServiceSetting', resource: SettingId });
    return call(world, 'ssm:ResetServiceSetting', { SettingId }, SettingId);
  },
  'rollcall:CreateBackup': async (world) => {
    const Path = join(world.folder, `${uniqueName('backup')}.rollcall`);
    return call(world, 'rollcall:CreateBackup', { Path }, `backup/${Path}`);
  },
  ...documentDrives,
  ...commandDrives,
  ...rosterDrives,
};

/** What is served and changes nothing: a new operation stands in one list or in the other. */
export const changesNothing: readonly string[] = [
  'ec2messages:GetEndpoint',
  'ec2messages:GetMessages',
  'rollcall:GetActivationProgress',
  'rollcall:GetCommandOutput',
  'rollcall:GetServerInfo',
  'rollcall:ListAuditRecords',
  'rollcall:ListEvents',
  'rollcall:ListKnocks',
  'rollcall:ListMachines',
  'rollcall:ListNodes',
  'rollcall:ListPickable',
  'rollcall:ListRosterSources',
  'rollcall:ListSettings',
  'rollcall:ListUsers',
  'rollcall:ListVerdictHistory',
  'rollcall:PreviewTargets',
  'rollcall:WatchCommand',
  'rollcall:Why',
  'rollcall:WhyAll',
  'ssm:DescribeActivations',
  'ssm:DescribeAssociation',
  'ssm:DescribeDocument',
  'ssm:DescribeDocumentPermission',
  'ssm:DescribeInstanceAssociationsStatus',
  'ssm:DescribeInstanceInformation',
  'ssm:DescribeInstanceProperties',
  'ssm:GetCommandInvocation',
  'ssm:GetConnectionStatus',
  'ssm:GetDocument',
  'ssm:GetServiceSetting',
  'ssm:ListAssociations',
  'ssm:ListCommandInvocations',
  'ssm:ListCommands',
  'ssm:ListDocumentMetadataHistory',
  'ssm:ListDocumentVersions',
  'ssm:ListDocuments',
  'ssm:ListInstanceAssociations',
  'ssm:ListTagsForResource',
  'ssm:PutComplianceItems',
  'ssm:PutInventory',
  'ssm:RequestManagedInstanceRoleToken',
];

/** What nodes say of commands: the kills of `commands/arrows.ts` stop the server at each. */
const drivenByNodes: readonly string[] = [
  'ec2messages:AcknowledgeMessage',
  'ec2messages:DeleteMessage',
  'ec2messages:FailMessage',
  'ec2messages:SendReply',
  'rollcall:PutCommandOutput',
];

/** What would change something if it weren't always refused. */
const alwaysRefused: readonly string[] = ['ssm:UpdateDocumentMetadata'];

/** Operations that the lists above forget, or know although they are gone; empty when all is well. */
export function unlisted(rules: readonly { readonly name: string; readonly changes: boolean }[]): string[] {
  const driven = new Set(Object.keys(drives).map((key) => key.split(' ')[0]!));
  const problems: string[] = [];
  for (const { name: served, changes } of rules) {
    if (driven.has(served) || alwaysRefused.includes(served)) continue;
    if (!changes && (changesNothing.includes(served) || drivenByNodes.includes(served))) continue;
    problems.push(
      `${served} ${changes ? 'changes what is stored, and has no drive' : 'stands in neither list'}`,
    );
  }
  const served = new Set(rules.map((rule) => rule.name));
  for (const known of [...driven, ...changesNothing, ...drivenByNodes, ...alwaysRefused]) {
    if (!served.has(known) && !known.startsWith('ssmmessages:')) problems.push(`${known} isn't served`);
  }
  return problems;
}
