/**
 * Message polling (`ec2messages`): what agents use for a minute after their start, and for good when they
 * may not open a control channel. The messages themselves are the mailbox's.
 */
import type {
  AcknowledgeMessageInput,
  DeleteMessageInput,
  FailMessageInput,
  GetEndpointInput,
  GetEndpointOutput,
  GetMessagesInput,
  GetMessagesOutput,
  SendReplyInput,
} from '@rollcall/wire';
import { type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { Answer, Mail, Mailbox, Recipient, Reply } from './mailbox.ts';

/** What the operations need. */
export interface MessageDeps {
  readonly mailbox: Mailbox;
  /** Waits for the node's mail. */
  wait(region: string, nodeId: string, gone: AbortSignal | undefined): Promise<readonly Mail[]>;
}

/** The node that a message belongs to: the part behind the last dot of `aws.ssm.COMMAND.NODE`. */
export function nodeOfMessage(messageId: string): string {
  return messageId.slice(messageId.lastIndexOf('.') + 1);
}

/** The operations of the service `ec2messages`. */
export function messageOperations(deps: MessageDeps): readonly AnyOperation[] {
  const { mailbox } = deps;
  const answer = async (call: Call, said: Answer): Promise<object> => {
    if ((await mailbox.answered(sender(call), said)) === 'unknown') throw unknownMessage();
    return {};
  };
  const reply = async (call: Call, said: Reply): Promise<object> => {
    if ((await mailbox.replied(sender(call), said)) === 'unknown') throw unknownMessage();
    return {};
  };
  const ofMessage = (name: string) => ({
    service: 'ec2messages' as const,
    name,
    access: {
      by: 'own-node' as const,
      action: `ec2messages:${name}`,
      node: (input: { readonly MessageId: string }) => nodeOfMessage(input.MessageId),
    },
    // What changes is the command's, whose capability keeps its own history.
    changes: false,
  });

  return [
    operation<GetMessagesInput, GetMessagesOutput>({
      service: 'ec2messages',
      name: 'GetMessages',
      access: { by: 'own-node', action: 'ec2messages:GetMessages', node: (input) => input.Destination },
      changes: false,
      waits: true,
      async handle(call, input) {
        const mail = await deps.wait(call.region, input.Destination, call.gone);
        return {
          Destination: input.Destination,
          MessagesRequestId: input.MessagesRequestId,
          Messages: mail.map(message),
        };
      },
    }),
    operation<AcknowledgeMessageInput, object>({
      ...ofMessage('AcknowledgeMessage'),
      handle: (call, input) =>
        answer(call, { jobId: input.MessageId, verdict: 'accepted', reason: 'acknowledged' }),
    }),
    operation<FailMessageInput, object>({
      ...ofMessage('FailMessage'),
      handle: (call, input) =>
        answer(call, { jobId: input.MessageId, verdict: 'refused', reason: input.FailureType }),
    }),
    operation<DeleteMessageInput, object>({
      ...ofMessage('DeleteMessage'),
      // The agent has taken it off its queue: the same news as an acknowledgement.
      handle: (call, input) =>
        answer(call, { jobId: input.MessageId, verdict: 'accepted', reason: 'deleted' }),
    }),
    operation<SendReplyInput, object>({
      ...ofMessage('SendReply'),
      handle: (call, input) =>
        reply(call, { jobId: input.MessageId, replyId: input.ReplyId, content: input.Payload }),
    }),
    operation<GetEndpointInput, GetEndpointOutput>({
      service: 'ec2messages',
      name: 'GetEndpoint',
      access: { by: 'own-node', action: 'ec2messages:GetEndpoint', node: (input) => input.Destination ?? '' },
      changes: false,
      async handle(call) {
        const host = call.headers.host;
        if (!host) throw new Refusal('ValidationException', 'The request has no Host header.');
        // One origin serves everything: the name under which the caller reached us is the right one.
        return { Endpoint: host };
      },
    }),
  ];
}

function sender(call: Call): Recipient {
  if (call.principal.kind !== 'node') throw new Refusal('AccessDeniedException', 'Only a node may do this.');
  return { region: call.region, nodeId: call.principal.nodeId, epoch: undefined };
}

function message(mail: Mail): GetMessagesOutput['Messages'][number] {
  return {
    MessageId: mail.jobId,
    Destination: mail.nodeId,
    Topic: mail.topic,
    CreatedDate: new Date(mail.createdAt).toISOString(),
    Payload: mail.content,
  };
}

/**
 * The agent (3.3.0.0) bears any error here: it keeps a refused reply, sends it again every five minutes and
 * drops it after two hours; other errors it only logs.
 */
function unknownMessage(): Refusal {
  return new Refusal('InvalidMessageIdException', 'No message with this id was sent to this node.');
}
