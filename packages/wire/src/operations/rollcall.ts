/** Our own operations, under `Rollcall.`: signed like all others, with `rollcall` as the signing name. */
import {
  blob,
  boolean,
  integer,
  list,
  oneOf,
  required,
  string,
  structure,
  timestamp,
  type ValueOf,
} from '../schema/shape.ts';
import { rosterOperations } from './roster.ts';
import { verdictOperations } from './verdicts.ts';

const nothing = structure({});
const maxResults = integer({ min: 1, max: 1000 });
const nextToken = string({ min: 1, max: 4096 });
const text = string();
const userName = string({ min: 1, max: 64, pattern: '[\\w+=,.@-]+' });
const accessKeyId = string({ min: 16, max: 128, pattern: '\\w+' });
const policyDocument = string({ min: 1, max: 131_072 });
const nodeId = string({ min: 1, max: 128 });

const node = structure({
  InstanceId: required(text),
  Name: text,
  ComputerName: text,
  PlatformType: text,
  PlatformName: text,
  PlatformVersion: text,
  AgentName: text,
  AgentVersion: text,
  IPAddress: text,
  PingStatus: required(text),
  LastPingDateTime: timestamp(),
  RegistrationDate: required(timestamp()),
  ChannelOpen: required(boolean()),
  ChannelOpenedAt: timestamp(),
  /** Lost for so long that the default list leaves it out. */
  Hidden: required(boolean()),
  /** When two machines were last seen using this identity in turns. */
  CloneSeenAt: timestamp(),
  ActivationId: text,
  DeregisteredAt: timestamp(),
  DeregisteredBy: text,
  Tags: required(list(structure({ Key: required(text), Value: required(text) }))),
});

const knock = structure({
  /** `known`: who it claimed to be is in our books. */
  Room: required(oneOf('known', 'stranger')),
  /** The source it is folded by: an address, or the network of one. */
  Source: required(text),
  Address: required(text),
  Claim: text,
  Reason: required(text),
  Layer: required(text),
  Client: required(text),
  ServerName: text,
  Region: text,
  Detail: text,
  FirstAt: required(timestamp()),
  LastAt: required(timestamp()),
  Count: required(integer()),
});

const auditRecord = structure({
  Id: required(text),
  At: required(timestamp()),
  Region: required(text),
  Principal: required(text),
  Operation: required(text),
  Resource: required(text),
  Decision: required(text),
  Code: text,
  Source: required(text),
  Detail: text,
  Count: required(integer()),
  LastAt: required(timestamp()),
});

const accessKeyStatus = oneOf('Active', 'Inactive');
const user = structure({
  UserName: required(text),
  UserId: required(text),
  Arn: required(text),
  CreatedAt: required(timestamp()),
  PolicyDocument: text,
  AccessKeys: required(
    list(
      structure({
        AccessKeyId: required(text),
        Status: required(accessKeyStatus),
        CreatedAt: required(timestamp()),
      }),
    ),
  ),
});
/** The only time that the secret is told. */
const newAccessKey = structure({
  AccessKeyId: required(text),
  SecretAccessKey: required(string({ sensitive: true })),
});

const commandId = string({ min: 36, max: 36, pattern: '[0-9a-fA-F-]{36}' });
const stepName = string({ min: 1, max: 128 });
const stream = oneOf('stdout', 'stderr');
const targets = list(
  structure({
    Key: required(string({ min: 1, max: 163 })),
    Values: required(list(string({ max: 256 }), { max: 50 })),
  }),
  { max: 5 },
);

/** A command and how far it has come. The words of `Status` and `StatusDetails` are AWS's. */
const commandProgress = structure({
  CommandId: required(text),
  DocumentName: required(text),
  Comment: text,
  Status: required(text),
  StatusDetails: required(text),
  RequestedDateTime: required(timestamp()),
  ExpiresAfter: required(timestamp()),
  RequestedBy: required(text),
  TargetCount: required(integer()),
  /** Invocations that have ended, in whichever way. */
  FinishedCount: required(integer()),
  SuccessCount: required(integer()),
  /** Failed, or timed out while running. */
  ErrorCount: required(integer()),
  DeliveryTimedOutCount: required(integer()),
  /** Waiting for the rate control to let them go. */
  QueuedCount: required(integer()),
});

const finishedStep = structure({
  Name: required(text),
  Plugin: required(text),
  Status: required(text),
  ResponseCode: integer(),
  StandardOutput: text,
  StandardError: text,
  /** Bytes of each stream that the server keeps whole: more than is shown here, see GetCommandOutput. */
  StandardOutputBytes: integer(),
  StandardErrorBytes: integer(),
});

/** All of them, by name. */
export const rollcallOperations = {
  ...rosterOperations,
  ...verdictOperations,
  PreviewTargets: {
    input: structure({
      DocumentName: string({ min: 1, max: 256 }),
      DocumentVersion: string({ min: 1, max: 16 }),
      InstanceIds: list(nodeId, { max: 50 }),
      Targets: targets,
    }),
    output: structure({
      /** Nodes that the command would go to. */
      Total: required(integer()),
      /** Of these, the nodes that can't run it, counted by AWS's word for why. */
      Unsuitable: required(list(structure({ StatusDetails: required(text), Count: required(integer()) }))),
      /** Of these, the nodes that no channel is open to now: they get it when they come back in time. */
      Away: required(integer()),
      /** The first of them, in the list's order. */
      Nodes: required(list(structure({ InstanceId: required(text), Name: text }))),
    }),
  },
  WatchCommand: {
    input: structure({
      CommandId: required(commandId),
      /** Invocations are numbered as they end: answers those after this one. */
      After: integer({ min: 0 }),
      MaxResults: maxResults,
      /** Seconds to wait when nothing has ended since. */
      WaitSeconds: integer({ min: 0, max: 20 }),
    }),
    output: structure({
      Command: required(commandProgress),
      Finished: required(
        list(
          structure({
            Number: required(integer()),
            InstanceId: required(text),
            Name: text,
            Status: required(text),
            StatusDetails: required(text),
            ResponseCode: integer(),
            /** Why, where that isn't in the output: a refusal, a timeout. */
            Reason: text,
            Steps: required(list(finishedStep)),
          }),
        ),
      ),
    }),
  },
  /** From a node that runs our agent: a piece of output beyond what replies carry. */
  PutCommandOutput: {
    input: structure({
      InstanceId: required(nodeId),
      CommandId: required(commandId),
      Step: required(stepName),
      Stream: required(stream),
      /** Where the piece begins, in bytes of the stream. A piece that is there already changes nothing. */
      Offset: required(integer({ min: 0 })),
      /** The piece, gzip; at most 256 KiB once unpacked. */
      Data: required(blob({ min: 1, max: 300_000 })),
    }),
    output: structure({
      /** Bytes of the stream that are kept now: where the next piece begins. */
      Kept: required(integer()),
      /** Whether the stream has reached its limit: what comes after is lost. */
      Full: required(boolean()),
    }),
  },
  GetCommandOutput: {
    input: structure({
      CommandId: required(commandId),
      InstanceId: required(nodeId),
      /** The first step when left out. */
      Step: stepName,
      Stream: required(stream),
      Offset: integer({ min: 0 }),
    }),
    output: structure({
      Step: required(text),
      /** A piece of the stream, plain. */
      Data: required(blob()),
      /** Where the next piece begins; absent at the end. */
      NextOffset: integer(),
      /** Bytes that are kept of this stream. */
      Size: required(integer()),
      /** Whether there was more than that. */
      Truncated: required(boolean()),
    }),
  },
  GetServerInfo: {
    input: nothing,
    output: structure({
      Version: required(text),
      Account: required(text),
      Regions: required(list(text)),
      PublicUrls: required(list(text)),
      CaFingerprint: required(text),
      /** PEM. */
      CaCertificate: required(text),
      /** Base64 of the SHA-256 of the server key's SubjectPublicKeyInfo, as `curl --pinnedpubkey` takes it. */
      KeyPin: required(text),
      Time: required(timestamp()),
      Domain: text,
    }),
  },
  ListNodes: {
    input: structure({
      Hidden: boolean(),
      Deregistered: boolean(),
      Name: string({ min: 1, max: 256 }),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({
      Nodes: required(list(node)),
      Total: required(integer()),
      HiddenCount: required(integer()),
      NextToken: text,
    }),
  },
  RestoreNode: { input: structure({ InstanceId: required(nodeId) }), output: nothing },
  ListKnocks: {
    input: structure({
      Room: oneOf('known', 'stranger'),
      Claim: string({ min: 1, max: 256 }),
      Since: timestamp(),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({ Knocks: required(list(knock)), Total: required(integer()), NextToken: text }),
  },
  ListAuditRecords: {
    input: structure({
      Principal: string({ min: 1, max: 2048 }),
      Operation: string({ min: 1, max: 256 }),
      Decision: string({ min: 1, max: 64 }),
      Since: timestamp(),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({ Records: required(list(auditRecord)), Total: required(integer()), NextToken: text }),
  },
  ListEvents: {
    input: structure({
      Subject: string({ min: 1, max: 2048 }),
      /** Only what came after this id, the oldest first; `0` is before all. */
      After: string({ min: 1, max: 64, pattern: '[0-9a-f]+' }),
      /** With `After`: seconds to wait when there is nothing yet. */
      WaitSeconds: integer({ min: 0, max: 20 }),
      MaxResults: maxResults,
      NextToken: nextToken,
    }),
    output: structure({
      Events: required(
        list(
          structure({
            Id: required(text),
            At: required(timestamp()),
            Region: required(text),
            Kind: required(text),
            Subject: required(text),
            Detail: required(text),
            /** Of a node that dropped out, came back, is hidden, refused, or refused no more: why. */
            Cause: text,
            Confidence: text,
          }),
        ),
      ),
      NextToken: text,
    }),
  },
  CreateUser: {
    input: structure({ UserName: required(userName), PolicyDocument: policyDocument }),
    output: structure({ User: required(user), AccessKey: required(newAccessKey) }),
  },
  DeleteUser: { input: structure({ UserName: required(userName) }), output: nothing },
  ListUsers: { input: nothing, output: structure({ Users: required(list(user)) }) },
  PutUserPolicy: {
    input: structure({ UserName: required(userName), PolicyDocument: required(policyDocument) }),
    output: nothing,
  },
  CreateAccessKey: {
    input: structure({ UserName: required(userName) }),
    output: structure({ AccessKey: required(newAccessKey) }),
  },
  UpdateAccessKey: {
    input: structure({ AccessKeyId: required(accessKeyId), Status: required(accessKeyStatus) }),
    output: nothing,
  },
  DeleteAccessKey: { input: structure({ AccessKeyId: required(accessKeyId) }), output: nothing },
  GetActivationProgress: {
    input: structure({ ActivationId: required(string({ min: 1, max: 64 })) }),
    output: structure({
      ActivationId: required(text),
      Limit: required(integer()),
      Registered: required(integer()),
      Expired: required(boolean()),
      ExpiresAt: required(timestamp()),
      Refused: required(
        list(
          structure({ Reason: required(text), Count: required(integer()), LastAt: required(timestamp()) }),
        ),
      ),
      /** How many may still register. */
      NotSeen: required(integer()),
    }),
  },
  /** Lets more machines in by an activation that has run out. The code stays as it is. */
  RenewActivation: {
    input: structure({
      ActivationId: required(string({ min: 1, max: 64 })),
      /** A day from now when left out; 30 days at most. */
      ExpirationDate: timestamp(),
      /** How many may register in all; as it was when left out. */
      RegistrationLimit: integer({ min: 1, max: 1000 }),
    }),
    output: structure({
      ActivationId: required(text),
      ExpirationDate: required(timestamp()),
      RegistrationLimit: required(integer()),
      RegistrationsCount: required(integer()),
    }),
  },
  CreateBackup: {
    input: structure({
      /** An absolute path on the server's own machine. */
      Path: required(string({ min: 1, max: 4096 })),
      /** Whether the keys go in as well. */
      WithSecrets: boolean(),
    }),
    output: structure({ Path: required(text), Bytes: required(integer()), At: required(timestamp()) }),
  },
  ListSettings: {
    input: nothing,
    output: structure({
      Settings: required(
        list(
          structure({
            Name: required(text),
            Value: required(text),
            Default: required(text),
            Description: required(text),
          }),
        ),
      ),
    }),
  },
  PutSetting: {
    input: structure({
      Name: required(string({ min: 1, max: 256 })),
      Value: required(string({ max: 4096 })),
    }),
    output: nothing,
  },
} as const;

type Operations = typeof rollcallOperations;
type Output<Name extends keyof Operations> = ValueOf<Operations[Name]['output']>;
type Input<Name extends keyof Operations> = ValueOf<Operations[Name]['input']>;

export type GetServerInfoOutput = Output<'GetServerInfo'>;
export type ListNodesInput = Input<'ListNodes'>;
export type ListNodesOutput = Output<'ListNodes'>;
export type NodeSummary = ValueOf<typeof node>;
export type RestoreNodeInput = Input<'RestoreNode'>;
export type ListKnocksInput = Input<'ListKnocks'>;
export type ListKnocksOutput = Output<'ListKnocks'>;
export type KnockRecord = ValueOf<typeof knock>;
export type ListAuditRecordsInput = Input<'ListAuditRecords'>;
export type ListAuditRecordsOutput = Output<'ListAuditRecords'>;
export type AuditRecord = ValueOf<typeof auditRecord>;
export type ListEventsInput = Input<'ListEvents'>;
export type ListEventsOutput = Output<'ListEvents'>;
export type EventRecord = ListEventsOutput['Events'][number];
export type UserDetail = ValueOf<typeof user>;
export type NewAccessKey = ValueOf<typeof newAccessKey>;
export type CreateUserInput = Input<'CreateUser'>;
export type CreateUserOutput = Output<'CreateUser'>;
export type DeleteUserInput = Input<'DeleteUser'>;
export type ListUsersOutput = Output<'ListUsers'>;
export type PutUserPolicyInput = Input<'PutUserPolicy'>;
export type CreateAccessKeyInput = Input<'CreateAccessKey'>;
export type CreateAccessKeyOutput = Output<'CreateAccessKey'>;
export type UpdateAccessKeyInput = Input<'UpdateAccessKey'>;
export type DeleteAccessKeyInput = Input<'DeleteAccessKey'>;
export type GetActivationProgressInput = Input<'GetActivationProgress'>;
export type GetActivationProgressOutput = Output<'GetActivationProgress'>;
export type RenewActivationInput = Input<'RenewActivation'>;
export type RenewActivationOutput = Output<'RenewActivation'>;
export type CreateBackupInput = Input<'CreateBackup'>;
export type CreateBackupOutput = Output<'CreateBackup'>;
export type ListSettingsOutput = Output<'ListSettings'>;
export type SettingDetail = ListSettingsOutput['Settings'][number];
export type PutSettingInput = Input<'PutSetting'>;
export type PreviewTargetsInput = Input<'PreviewTargets'>;
export type PreviewTargetsOutput = Output<'PreviewTargets'>;
export type WatchCommandInput = Input<'WatchCommand'>;
export type WatchCommandOutput = Output<'WatchCommand'>;
export type CommandProgress = WatchCommandOutput['Command'];
export type FinishedInvocation = WatchCommandOutput['Finished'][number];
export type PutCommandOutputInput = Input<'PutCommandOutput'>;
export type PutCommandOutputOutput = Output<'PutCommandOutput'>;
export type GetCommandOutputInput = Input<'GetCommandOutput'>;
export type GetCommandOutputOutput = Output<'GetCommandOutput'>;
