/** The JSON messages in the frames of control and data channels, spelled as the official programs spell them. */

/** Control channel, to the agent: run or cancel a command. Type `agent_job`. */
export interface AgentJob {
  SchemaVersion: number;
  /** `aws.ssm.COMMAND-ID.NODE-ID`. */
  JobId: string;
  /** Begins with `aws.ssm.sendCommand` or `aws.ssm.cancelCommand`. */
  Topic: string;
  /** A JSON string: {@link SendCommandContent} or {@link CancelCommandContent}. */
  Content: string;
}

/** The content of a job that runs a command, and the payload of the same message when polled. */
export interface SendCommandContent {
  /** Shaped as the document declares each: a string, or a list of strings. */
  Parameters: Record<string, unknown>;
  /** The document itself, an object. */
  DocumentContent: Record<string, unknown>;
  CommandId: string;
  DocumentName: string;
  OutputS3BucketName: string;
  OutputS3KeyPrefix: string;
  CloudWatchLogGroupName: string;
  /** A string, or the agent fails to read it. */
  CloudWatchOutputEnabled: 'true' | 'false';
}

export interface CancelCommandContent {
  /** `aws.ssm.COMMAND-ID.NODE-ID` of the command to cancel. */
  CancelMessageId: string;
}

/** What an {@link AgentJobAck} says. */
export const JobStatusCode = {
  accepted: '200',
  closedProcessor: '51401',
  bufferFull: '51402',
  unexpectedDocumentType: '51403',
  errorCodeTranslationFailed: '51404',
  duplicateCommand: '51405',
  invalidDocument: '51406',
  containerNotSupported: '51407',
  parseError: '51408',
  unexpectedError: '51499',
} as const;

/** Control channel, from the agent. Type `agent_job_ack`. */
export interface AgentJobAck {
  jobId: string;
  /** The id of the frame that carried the job. */
  acknowledgedMessageId: string;
  /** When that frame was created, ISO 8601 with milliseconds. */
  createdDate: string;
  /** One of {@link JobStatusCode}. */
  statusCode: string;
  errorMessage: string;
}

/** Control channel, from the agent. Type `agent_job_reply`. */
export interface AgentJobReply {
  schemaVersion: number;
  jobId: string;
  /** A JSON string: {@link CommandReply}. */
  content: string;
  /** Without region and node. */
  topic: string;
}

/** Control channel, to the agent, which sends a reply again until it comes. Type `agent_job_reply_ack`. */
export interface AgentJobReplyAck {
  jobId: string;
  /** The id of the frame that carried the reply. */
  acknowledgedMessageId: string;
}

export type DocumentStatus =
  | 'InProgress'
  | 'Success'
  | 'Failed'
  | 'TimedOut'
  | 'Cancelled'
  | 'SuccessAndReboot';

/** What an agent says of a command, by either way. Replies come out of order, and more than once. */
export interface CommandReply {
  additionalInfo: {
    agent: { lang: string; name: string; os: string; osver: string; ver: string };
    /** ISO 8601 with milliseconds. */
    dateTime: string;
    runId: string;
    runtimeStatusCounts: Record<string, number> | null;
    /** Only when polling. */
    ableToOpenMGSConnection?: boolean;
  };
  documentStatus: DocumentStatus;
  documentTraceOutput: string;
  /** By step name, or plugin name in schema 1.2. */
  runtimeStatus: Record<string, StepReply> | null;
}

export interface StepReply {
  status: string;
  code: number;
  name: string;
  output: string;
  startDateTime: string;
  endDateTime: string;
  outputS3BucketName: string;
  outputS3KeyPrefix: string;
  stepName: string;
  standardOutput: string;
  standardError: string;
}

/** Control channel, to the agent: start a session. Never acknowledged. Type `interactive_shell`. */
export interface InteractiveShell {
  SchemaVersion: number;
  /** The session id. */
  TaskId: string;
  Topic: string;
  /** A JSON string. */
  Content: string;
}

/** Control channel, from the agent: a session is over. Type `agent_task_complete`. */
export interface AgentTaskComplete {
  SchemaVersion: number;
  TaskId: string;
  Topic: string;
  FinalTaskStatus: 'Success' | 'Failed' | 'Cancelled';
  IsRoutingFailure: boolean;
  AwsAccountId: string;
  InstanceId: string;
  Output: string;
  S3Bucket: string;
  S3UrlSuffix: string;
  CwlGroup: string;
  CwlStream: string;
  RetryNumber: number;
}

/** Control channel, to the agent. Type `agent_task_acknowledge`. */
export interface AgentTaskAcknowledge {
  SchemaVersion: number;
  /** The id of the frame that carried the completion. */
  MessageId: string;
  TaskId: string;
  Topic: string;
}

/** Either channel: the session is to end, or has ended. Type `channel_closed`. */
export interface ChannelClosed {
  MessageType: 'channel_closed';
  MessageId: string;
  DestinationId: string;
  SessionId: string;
  SchemaVersion: number;
  /** ISO 8601 with milliseconds. */
  CreatedDate: string;
  /** Why, for the person at the other end. */
  Output?: string;
}

/** Data channel, from the agent. Type `agent_session_state`. */
export interface AgentSessionState {
  SchemaVersion: number;
  SessionState: 'Connected' | 'Terminating';
  SessionId: string;
}

/** Data channel, both ways. Type `acknowledge`. */
export interface Acknowledge {
  AcknowledgedMessageType: string;
  AcknowledgedMessageId: string;
  AcknowledgedMessageSequenceNumber: number;
  IsSequentialMessage: boolean;
}

/** The first text frame on a channel's websocket, from whoever opens it. */
export interface OpenChannel {
  MessageSchemaVersion: string;
  RequestId: string;
  /** From the answer to the POST that made the channel, or from StartSession. */
  TokenValue: string;
  /** Control channel. */
  AgentVersion?: string;
  /** Control channel, lower case. */
  PlatformType?: string;
  /** Data channel, the agent's end. */
  ClientInstanceId?: string;
  /** Data channel; empty from the agent. */
  ClientId?: string;
  /** Data channel, the client's end. */
  ClientVersion?: string;
  /** The official agent sends `null`. */
  Cookie?: string | null;
}

/** The JSON body of the POST that makes a channel. */
export interface CreateChannelRequest {
  MessageSchemaVersion: string;
  RequestId: string;
  /** Data channel only; empty from the agent. */
  ClientId?: string;
}
