/** The wire shapes of message polling (`ec2messages`), as agent 3.3.0.0 sends and reads them. */

export interface GetMessagesInput {
  readonly Destination: string;
  readonly MessagesRequestId: string;
  readonly VisibilityTimeoutInSeconds?: number;
}

/** Every member of a message is required, and none may be empty. */
export interface GetMessagesOutput {
  readonly Destination: string;
  readonly MessagesRequestId: string;
  readonly Messages: readonly {
    readonly MessageId: string;
    readonly Destination: string;
    readonly Topic: string;
    /** ISO 8601. */
    readonly CreatedDate: string;
    readonly Payload: string;
  }[];
}

export interface AcknowledgeMessageInput {
  readonly MessageId: string;
}

export interface DeleteMessageInput {
  readonly MessageId: string;
}

export interface FailMessageInput {
  readonly MessageId: string;
  readonly FailureType: string;
}

export interface SendReplyInput {
  readonly MessageId: string;
  readonly Payload: string;
  readonly ReplyId: string;
}

export interface GetEndpointInput {
  readonly Destination: string;
  readonly Protocol?: string;
}

export interface GetEndpointOutput {
  readonly Endpoint: { readonly Protocol: string; readonly Endpoint: string };
}
