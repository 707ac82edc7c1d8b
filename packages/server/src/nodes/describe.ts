/** What a listed node looks like on the wire: in AWS's two lists, and in our own. */
import type { InstanceInformation, InstanceProperty, PlatformType, Tag } from '@aws-sdk/client-ssm';
import type { NodeSummary } from '@rollcall/wire';
import type { NodePresence } from '../presence/index.ts';
import { dateOf, present } from '../service/index.ts';
import type { AssociationSummary } from './association-summary.ts';
import type { ListedNode } from './list-query.ts';
import { kindOf } from './node.ts';

/** What both of AWS's lists say of a node. */
function common(node: ListedNode, presence: NodePresence, associations: AssociationSummary | undefined) {
  return {
    InstanceId: node.node_id,
    PingStatus: presence.status,
    LastPingDateTime: dateOf(node.last_ping),
    AgentVersion: node.agent_version,
    PlatformType: node.platform_type as PlatformType | null,
    PlatformName: node.platform_name,
    PlatformVersion: node.platform_version,
    ActivationId: node.activation_id,
    IamRole: node.iam_role,
    RegistrationDate: new Date(node.registered_at),
    ResourceType: kindOf(node.node_id),
    Name: node.name,
    IPAddress: node.ip_address,
    ComputerName: node.computer_name,
    AssociationStatus: associations?.status,
    LastAssociationExecutionDate: dateOf(associations?.lastExecution),
    LastSuccessfulAssociationExecutionDate: dateOf(associations?.lastSuccess),
    AssociationOverview: associations && {
      DetailedStatus: associations.status,
      InstanceAssociationStatusAggregatedCount: { ...associations.counts },
    },
    SourceId: node.node_id,
    SourceType:
      kindOf(node.node_id) === 'EC2Instance'
        ? ('AWS::EC2::Instance' as const)
        : ('AWS::SSM::ManagedInstance' as const),
  };
}

/**
 * A row of `DescribeInstanceInformation`. `IsLatestVersion` is left out: which version is the latest isn't
 * known here.
 */
export function instanceInformation(
  node: ListedNode,
  presence: NodePresence,
  associations: AssociationSummary | undefined,
): InstanceInformation {
  return present<InstanceInformation>(common(node, presence, associations));
}

/** A row of `DescribeInstanceProperties`. */
export function instanceProperty(
  node: ListedNode,
  presence: NodePresence,
  associations: AssociationSummary | undefined,
): InstanceProperty {
  return present<InstanceProperty>({
    ...common(node, presence, associations),
    AvailabilityZone: node.availability_zone,
  });
}

/** A row of our own list. */
export function nodeSummary(node: ListedNode, presence: NodePresence, tags: readonly Tag[]): NodeSummary {
  return present<NodeSummary>({
    InstanceId: node.node_id,
    Name: node.name,
    ComputerName: node.computer_name,
    PlatformType: node.platform_type,
    PlatformName: node.platform_name,
    PlatformVersion: node.platform_version,
    AgentName: node.agent_name,
    AgentVersion: node.agent_version,
    IPAddress: node.ip_address,
    PingStatus: presence.status,
    LastPingDateTime: dateOf(node.last_ping),
    RegistrationDate: new Date(node.registered_at),
    ChannelOpen: presence.connected,
    ChannelOpenedAt: presence.connected ? dateOf(node.opened_at) : undefined,
    Hidden: presence.hidden,
    CloneSeenAt: dateOf(node.clone_seen_at),
    ActivationId: node.activation_id,
    DeregisteredAt: dateOf(node.deregistered_at),
    DeregisteredBy: node.deregistered_by,
    Tags: tags.map((tag) => ({ Key: tag.Key ?? '', Value: tag.Value ?? '' })),
  });
}
