/**
 * The operations that agents call and that no public SDK knows. Limits are upper bounds only: what is too
 * short or malformed is for the handler to refuse, which also remembers who came.
 */
import {
  boolean,
  integer,
  list,
  map,
  oneOf,
  required,
  string,
  structure,
  timestamp,
  type ValueOf,
} from '../schema/shape.ts';

const nodeId = string({ max: 128 });
const messageId = string({ min: 1, max: 256 });
const tags = list(
  structure({ Key: required(string({ min: 1, max: 128 })), Value: required(string({ max: 256 })) }),
  { max: 1000 },
);
const nothing = structure({});

/** Operations under `AmazonSSM.`, by name. */
export const agentOperations = {
  RegisterManagedInstance: {
    input: structure({
      /** Absent when an EC2 instance registers its key: that call is signed instead. */
      ActivationId: string({ max: 64 }),
      ActivationCode: string({ max: 256, sensitive: true }),
      /** A UUID made from the hardware; on EC2 the instance id. */
      Fingerprint: string({ max: 512 }),
      /** Base64 of a DER SubjectPublicKeyInfo. */
      PublicKey: required(string({ max: 4096 })),
      PublicKeyType: required(oneOf('Rsa')),
      IamRole: string({ max: 64 }),
      Tags: tags,
    }),
    output: structure({ InstanceId: required(nodeId) }),
  },
  RequestManagedInstanceRoleToken: {
    input: structure({ Fingerprint: required(string({ max: 512 })) }),
    // The official agent dereferences all five.
    output: structure({
      AccessKeyId: required(string()),
      SecretAccessKey: required(string({ sensitive: true })),
      SessionToken: required(string({ sensitive: true })),
      TokenExpirationDate: required(timestamp()),
      UpdateKeyPair: required(boolean()),
    }),
  },
  UpdateManagedInstancePublicKey: {
    input: structure({
      NewPublicKey: required(string({ max: 4096 })),
      NewPublicKeyType: required(oneOf('Rsa')),
    }),
    output: nothing,
  },
  UpdateInstanceInformation: {
    input: structure({
      InstanceId: required(nodeId),
      AgentName: string({ max: 128 }),
      AgentVersion: string({ max: 128 }),
      AgentStatus: string({ max: 64 }),
      AvailabilityZone: string({ max: 128 }),
      AvailabilityZoneId: string({ max: 128 }),
      ComputerName: string({ max: 255 }),
      IPAddress: string({ max: 46 }),
      PlatformName: string({ max: 256 }),
      PlatformType: oneOf('Linux', 'Windows', 'MacOS'),
      PlatformVersion: string({ max: 256 }),
      /** `""` until the agent knows which way its messages come. */
      SSMConnectionChannel: string({ max: 64 }),
    }),
    output: nothing,
  },
  ListInstanceAssociations: {
    input: structure({
      InstanceId: required(nodeId),
      MaxResults: integer({ min: 1, max: 50 }),
      NextToken: string({ max: 4096 }),
    }),
    output: structure({
      Associations: required(
        list(
          structure({
            AssociationId: required(string()),
            Name: required(string()),
            InstanceId: required(string()),
            DocumentVersion: required(string()),
            /** The agent's key to its copy of the document: another one whenever document or parameters change. */
            Checksum: required(string()),
            AssociationVersion: string(),
            AssociationName: string(),
            Parameters: map(list(string())),
            ScheduleExpression: string(),
            /** The last `Status` that the agent reported; it runs again when this is missing. */
            DetailedStatus: string(),
            LastExecutionDate: timestamp(),
            OutputLocation: structure({
              S3Location: structure({
                OutputS3Region: string(),
                OutputS3BucketName: string(),
                OutputS3KeyPrefix: string(),
              }),
            }),
          }),
        ),
      ),
      NextToken: string(),
    }),
  },
  UpdateInstanceAssociationStatus: {
    input: structure({
      AssociationId: required(string({ max: 128 })),
      InstanceId: required(nodeId),
      ExecutionResult: required(
        structure({
          Status: required(string({ max: 64 })),
          ErrorCode: string({ max: 64 }),
          ExecutionDate: required(timestamp()),
          ExecutionSummary: string({ max: 4096 }),
          OutputUrl: structure({ S3OutputUrl: structure({ OutputUrl: string({ max: 2048 }) }) }),
        }),
      ),
    }),
    output: nothing,
  },
  GetManifest: {
    input: structure({
      PackageName: required(string({ min: 1, max: 2048 })),
      PackageVersion: string({ max: 256 }),
    }),
    output: structure({ Manifest: required(string()) }),
  },
  PutConfigurePackageResult: {
    input: structure({
      PackageName: required(string({ min: 1, max: 2048 })),
      PackageVersion: required(string({ max: 256 })),
      PreviousPackageVersion: string({ max: 256 }),
      Operation: required(string({ max: 64 })),
      /** Milliseconds. */
      OverallTiming: integer(),
      /** The exit code. */
      Result: integer(),
      Attributes: map(string({ max: 1024 }), { max: 64 }),
      Steps: list(structure({ Action: string({ max: 1024 }), Result: integer(), Timing: integer() }), {
        max: 1000,
      }),
    }),
    output: nothing,
  },
} as const;

/** Operations under `EC2WindowsMessageDeliveryService.`, by name: polling, for who has no control channel. */
export const messageOperations = {
  GetMessages: {
    input: structure({
      Destination: required(nodeId),
      MessagesRequestId: required(string({ min: 1, max: 128 })),
      VisibilityTimeoutInSeconds: integer({ min: 0, max: 43_200 }),
    }),
    output: structure({
      Destination: required(string()),
      MessagesRequestId: required(string()),
      Messages: required(
        list(
          structure({
            /** `aws.ssm.COMMAND-ID.NODE-ID`. */
            MessageId: required(string()),
            Destination: required(string()),
            Topic: required(string()),
            /** ISO 8601 with milliseconds. A string, not a timestamp. */
            CreatedDate: required(string()),
            Payload: required(string()),
          }),
        ),
      ),
    }),
  },
  AcknowledgeMessage: { input: structure({ MessageId: required(messageId) }), output: nothing },
  SendReply: {
    input: structure({
      MessageId: required(messageId),
      Payload: required(string({ max: 262_144 })),
      ReplyId: required(string({ min: 1, max: 128 })),
    }),
    output: nothing,
  },
  FailMessage: {
    input: structure({ MessageId: required(messageId), FailureType: required(string({ max: 128 })) }),
    output: nothing,
  },
  DeleteMessage: { input: structure({ MessageId: required(messageId) }), output: nothing },
  GetEndpoint: {
    input: structure({ Destination: nodeId, Protocol: string({ max: 64 }) }),
    output: structure({ Protocol: string(), Endpoint: string() }),
  },
} as const;

type AgentOperations = typeof agentOperations;
type MessageOperations = typeof messageOperations;

export type RegisterManagedInstanceInput = ValueOf<AgentOperations['RegisterManagedInstance']['input']>;
export type RegisterManagedInstanceOutput = ValueOf<AgentOperations['RegisterManagedInstance']['output']>;
export type RequestManagedInstanceRoleTokenInput = ValueOf<
  AgentOperations['RequestManagedInstanceRoleToken']['input']
>;
export type RequestManagedInstanceRoleTokenOutput = ValueOf<
  AgentOperations['RequestManagedInstanceRoleToken']['output']
>;
export type UpdateManagedInstancePublicKeyInput = ValueOf<
  AgentOperations['UpdateManagedInstancePublicKey']['input']
>;
export type UpdateManagedInstancePublicKeyOutput = ValueOf<
  AgentOperations['UpdateManagedInstancePublicKey']['output']
>;
export type UpdateInstanceInformationInput = ValueOf<AgentOperations['UpdateInstanceInformation']['input']>;
export type UpdateInstanceInformationOutput = ValueOf<AgentOperations['UpdateInstanceInformation']['output']>;
export type ListInstanceAssociationsInput = ValueOf<AgentOperations['ListInstanceAssociations']['input']>;
export type ListInstanceAssociationsOutput = ValueOf<AgentOperations['ListInstanceAssociations']['output']>;
export type UpdateInstanceAssociationStatusInput = ValueOf<
  AgentOperations['UpdateInstanceAssociationStatus']['input']
>;
export type UpdateInstanceAssociationStatusOutput = ValueOf<
  AgentOperations['UpdateInstanceAssociationStatus']['output']
>;
export type GetManifestInput = ValueOf<AgentOperations['GetManifest']['input']>;
export type GetManifestOutput = ValueOf<AgentOperations['GetManifest']['output']>;
export type PutConfigurePackageResultInput = ValueOf<AgentOperations['PutConfigurePackageResult']['input']>;
export type PutConfigurePackageResultOutput = ValueOf<AgentOperations['PutConfigurePackageResult']['output']>;
export type GetMessagesInput = ValueOf<MessageOperations['GetMessages']['input']>;
export type GetMessagesOutput = ValueOf<MessageOperations['GetMessages']['output']>;
export type AcknowledgeMessageInput = ValueOf<MessageOperations['AcknowledgeMessage']['input']>;
export type SendReplyInput = ValueOf<MessageOperations['SendReply']['input']>;
export type FailMessageInput = ValueOf<MessageOperations['FailMessage']['input']>;
export type DeleteMessageInput = ValueOf<MessageOperations['DeleteMessage']['input']>;
export type GetEndpointInput = ValueOf<MessageOperations['GetEndpoint']['input']>;
export type GetEndpointOutput = ValueOf<MessageOperations['GetEndpoint']['output']>;
