/** One valid input for each operation, about things that belong to somebody else. */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** What the inputs speak of. */
export interface Belongings {
  readonly nodeId: string;
  readonly activationId: string;
  readonly user: string;
  readonly accessKeyId: string;
  readonly publicKey: string;
}

/** A valid input of every operation that is served, by its name. */
export function inputs(of: Belongings): Readonly<Record<string, object>> {
  const { nodeId, activationId, user, accessKeyId, publicKey } = of;
  const MessageId = `aws.ssm.${randomUUID()}.${nodeId}`;
  const node = { InstanceId: nodeId };
  const tagged = { ResourceType: 'ManagedInstance', ResourceId: nodeId };
  const setting = { SettingId: '/ssm/managed-instance/activation-tier' };
  const command = { CommandId: randomUUID() };
  const stream = { ...command, ...node, Stream: 'stdout' };
  const document = { Name: 'Somebodys' };
  const content = JSON.stringify({
    schemaVersion: '2.2',
    mainSteps: [{ action: 'aws:runShellScript', name: 'one', inputs: { runCommand: ['true'] } }],
  });
  const share = { ...document, PermissionType: 'Share' };
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  const evidence = JSON.stringify({
    format: 1,
    at: 0,
    by: 'agent',
    privileged: true,
    unseen: [],
    host: {
      name: 'mine',
      os: { id: 'debian', name: 'Debian', version: '12' },
      platform: 'Linux',
      kernel: '6.1',
      arch: 'x64',
      addresses: [],
      macs: [],
    },
    agents: [],
    endpoints: [],
  });
  return {
    'ec2messages:AcknowledgeMessage': { MessageId },
    'ec2messages:DeleteMessage': { MessageId },
    'ec2messages:FailMessage': { MessageId, FailureType: 'InternalHandlerException' },
    'ec2messages:GetEndpoint': { Destination: nodeId, Protocol: 'https' },
    'ec2messages:GetMessages': {
      Destination: nodeId,
      MessagesRequestId: randomUUID(),
      VisibilityTimeoutInSeconds: 10,
    },
    'ec2messages:SendReply': { MessageId, Payload: '{}', ReplyId: randomUUID() },
    'rollcall:CreateAccessKey': { UserName: user },
    'rollcall:CreateBackup': { Path: '/nowhere/at/all' },
    'rollcall:CreateUser': { UserName: 'intruder' },
    'rollcall:DeleteAccessKey': { AccessKeyId: accessKeyId },
    'rollcall:DeleteRosterSource': { Source: 'theirs' },
    'rollcall:DeleteUser': { UserName: user },
    'rollcall:GetActivationProgress': { ActivationId: activationId },
    'rollcall:GetCommandOutput': stream,
    'rollcall:GetServerInfo': {},
    'rollcall:ImportRoster': { Source: 'theirs', Format: 'csv', Text: 'name\nmine\n' },
    'rollcall:ListAuditRecords': {},
    'rollcall:ListEvents': {},
    'rollcall:ListKnocks': {},
    'rollcall:ListMachines': {},
    'rollcall:ListNodes': {},
    'rollcall:ListPickable': { DocumentName: 'AWS-RunShellScript' },
    'rollcall:ListRosterSources': {},
    'rollcall:ListSettings': {},
    'rollcall:ListUsers': {},
    'rollcall:ListVerdictHistory': {},
    'rollcall:PreviewTargets': { InstanceIds: [nodeId] },
    'rollcall:PutCommandOutput': {
      ...stream,
      Step: 'one',
      Offset: 0,
      Data: gzipSync('x').toString('base64'),
    },
    'rollcall:PutNodeEvidence': { ...node, Evidence: evidence },
    'rollcall:PutRosterSource': { Source: 'theirs', Url: 'https://localhost:1/' },
    'rollcall:PutSetting': { Name: 'early-loss', Value: 'off' },
    'rollcall:PutUserPolicy': { UserName: user, PolicyDocument: policy },
    'rollcall:RenewActivation': { ActivationId: activationId },
    'rollcall:RestoreNode': node,
    'rollcall:UpdateAccessKey': { AccessKeyId: accessKeyId, Status: 'Inactive' },
    'rollcall:WatchCommand': command,
    'rollcall:Why': { Subject: nodeId },
    'rollcall:WhyAll': {},
    'ssm:AddTagsToResource': { ...tagged, Tags: [{ Key: 'mine', Value: 'now' }] },
    'ssm:CancelCommand': command,
    'ssm:CreateActivation': { IamRole: 'Nodes' },
    'ssm:CreateDocument': { Name: 'Mine', Content: content },
    'ssm:DeleteActivation': { ActivationId: activationId },
    'ssm:DeleteDocument': document,
    'ssm:DeregisterManagedInstance': node,
    'ssm:DescribeActivations': {},
    'ssm:DescribeAssociation': { AssociationId: randomUUID() },
    'ssm:DescribeDocument': document,
    'ssm:DescribeDocumentPermission': share,
    'ssm:DescribeInstanceAssociationsStatus': node,
    'ssm:DescribeInstanceInformation': {},
    'ssm:DescribeInstanceProperties': {},
    'ssm:GetCommandInvocation': { ...command, ...node },
    'ssm:GetConnectionStatus': { Target: nodeId },
    'ssm:GetDocument': document,
    'ssm:GetServiceSetting': setting,
    'ssm:ListAssociations': {},
    'ssm:ListCommandInvocations': {},
    'ssm:ListCommands': {},
    'ssm:ListDocumentMetadataHistory': { ...document, Metadata: 'DocumentReviews' },
    'ssm:ListDocumentVersions': document,
    'ssm:ListDocuments': {},
    'ssm:ListInstanceAssociations': { ...node, MaxResults: 20 },
    'ssm:ListTagsForResource': tagged,
    'ssm:ModifyDocumentPermission': { ...share, AccountIdsToAdd: ['all'] },
    'ssm:PutComplianceItems': {
      ...tagged,
      ComplianceType: 'Association',
      ExecutionSummary: { ExecutionTime: 1_700_000_000 },
      Items: [],
    },
    'ssm:PutInventory': {
      ...node,
      Items: [{ TypeName: 'AWS:Tag', SchemaVersion: '1.0', CaptureTime: '2026-01-01T00:00:00Z' }],
    },
    'ssm:RegisterManagedInstance': {
      ActivationId: activationId,
      ActivationCode: 'wrong'.repeat(4),
      Fingerprint: randomUUID(),
      PublicKey: publicKey,
      PublicKeyType: 'Rsa',
    },
    'ssm:RemoveTagsFromResource': { ...tagged, TagKeys: ['mine'] },
    'ssm:RequestManagedInstanceRoleToken': { Fingerprint: randomUUID() },
    'ssm:ResetServiceSetting': setting,
    'ssm:SendCommand': {
      DocumentName: 'AWS-RunShellScript',
      InstanceIds: [nodeId],
      Parameters: { commands: ['id'] },
    },
    'ssm:UpdateDocument': { ...document, Content: content },
    'ssm:UpdateDocumentDefaultVersion': { ...document, DocumentVersion: '1' },
    'ssm:UpdateDocumentMetadata': { ...document, DocumentReviews: { Action: 'Approve' } },
    'ssm:UpdateInstanceAssociationStatus': {
      ...node,
      AssociationId: randomUUID(),
      ExecutionResult: { Status: 'Success', ExecutionDate: 1_700_000_000 },
    },
    'ssm:UpdateInstanceInformation': { ...node, AgentVersion: '3.3.0.0', AgentName: 'amazon-ssm-agent' },
    'ssm:UpdateManagedInstancePublicKey': { NewPublicKey: publicKey, NewPublicKeyType: 'Rsa' },
    'ssm:UpdateManagedInstanceRole': { ...node, IamRole: 'Mine' },
    'ssm:UpdateServiceSetting': { ...setting, SettingValue: 'advanced' },
  };
}
