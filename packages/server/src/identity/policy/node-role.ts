/** What every managed node may do, and nothing else: the counterpart of AmazonSSMManagedInstanceCore, as data. */

const ssm = [
  'DescribeAssociation',
  'DescribeDocument',
  'GetDeployablePatchSnapshotForInstance',
  'GetDocument',
  'GetManifest',
  'GetParameter',
  'GetParameters',
  'ListAssociations',
  'ListInstanceAssociations',
  'PutComplianceItems',
  'PutConfigurePackageResult',
  'PutInventory',
  'UpdateAssociationStatus',
  'UpdateInstanceAssociationStatus',
  'UpdateInstanceInformation',
];
const ssmmessages = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'];
const ec2messages = [
  'AcknowledgeMessage',
  'DeleteMessage',
  'FailMessage',
  'GetEndpoint',
  'GetMessages',
  'SendReply',
];

/** The actions, as policies name them. That a node touches only itself is checked before, elsewhere. */
export const nodeActions: ReadonlySet<string> = new Set([
  ...ssm.map((name) => `ssm:${name}`),
  ...ssmmessages.map((name) => `ssmmessages:${name}`),
  ...ec2messages.map((name) => `ec2messages:${name}`),
  // Our agent's own: output beyond what replies carry, and what it sees of its machine.
  'rollcall:PutCommandOutput',
  'rollcall:PutNodeEvidence',
]);
