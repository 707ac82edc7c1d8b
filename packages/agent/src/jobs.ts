/**
 * What is answered to work that comes over the control channel or by polling. This version runs no documents
 * and no sessions, and says so at once, so that nobody waits for a result that never comes.
 */
import { type Frame, FrameType, frameMessage, messageFrame } from '@rollcall/wire';
import type { PolledMessage } from './calls.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { agentName, agentVersion } from './version.ts';

/** An answer to a polled message: an operation of the message service and its input. */
export interface PolledAnswer {
  readonly operation: 'SendReply' | 'AcknowledgeMessage' | 'FailMessage';
  readonly input: object;
}

const noDocuments = `${agentName} ${agentVersion} runs no documents yet; nothing was run.`;
const noSessions = `${agentName} ${agentVersion} serves no sessions yet; none was started.`;

/** Answers a frame. Throws FrameError when its payload makes no sense. */
export function answerFrame(frame: Frame, nodeId: string, clock: Clock, log: Log): readonly Frame[] {
  const say = (type: string, message: object) => messageFrame(type, message, { createdAt: clock.now() });
  switch (frame.type) {
    case FrameType.agentJob: {
      const { JobId: jobId, Topic: topic } = frameMessage(frame);
      if (typeof jobId !== 'string') return [];
      const ack = {
        jobId,
        acknowledgedMessageId: frame.id,
        createdDate: new Date(frame.createdAt).toISOString(),
      };
      // Nothing runs, so whatever is to be cancelled is over already: that is agreed to.
      if (isTopic(topic, 'cancelCommand')) {
        return [say(FrameType.agentJobAck, { ...ack, statusCode: '200', errorMessage: 'Successful' })];
      }
      log('warn', 'A command came; it is answered with a failure.', { jobId, reason: noDocuments });
      return [
        say(FrameType.agentJobAck, { ...ack, statusCode: '51403', errorMessage: 'UnexpectedDocumentType' }),
        say(FrameType.agentJobReply, {
          schemaVersion: 1,
          jobId,
          content: failedReply(clock),
          topic: 'aws.ssm.sendCommand',
        }),
      ];
    }
    case FrameType.interactiveShell: {
      const { TaskId: taskId } = frameMessage(frame);
      if (typeof taskId !== 'string') return [];
      log('warn', 'A session was asked for; it is answered with a failure.', { taskId, reason: noSessions });
      return [
        say(FrameType.agentTaskComplete, {
          SchemaVersion: 1,
          TaskId: taskId,
          Topic: FrameType.agentTaskComplete,
          FinalTaskStatus: 'Failed',
          IsRoutingFailure: false,
          AwsAccountId: '',
          InstanceId: nodeId,
          Output: noSessions,
          S3Bucket: '',
          S3UrlSuffix: '',
          CwlGroup: '',
          CwlStream: '',
          RetryNumber: 1,
        }),
      ];
    }
    // The ends of conversations that have already ended on this side.
    case FrameType.agentJobReplyAck:
    case FrameType.agentTaskAcknowledge:
    case FrameType.channelClosed:
      return [];
    default:
      log('warn', 'A frame of a type that this version does not know was left unanswered.', {
        type: frame.type,
      });
      return [];
  }
}

/** Answers a polled message. */
export function answerPolled(message: PolledMessage, clock: Clock, log: Log): PolledAnswer {
  const { MessageId, Topic } = message;
  if (isTopic(Topic, 'cancelCommand')) return { operation: 'AcknowledgeMessage', input: { MessageId } };
  if (!isTopic(Topic, 'sendCommand')) {
    return { operation: 'FailMessage', input: { MessageId, FailureType: 'InternalHandlerException' } };
  }
  log('warn', 'A command came; it is answered with a failure.', {
    messageId: MessageId,
    reason: noDocuments,
  });
  // As the official agent does it: a command that fails before it begins isn't acknowledged as well.
  const input = { MessageId, Payload: failedReply(clock), ReplyId: crypto.randomUUID() };
  return { operation: 'SendReply', input };
}

function isTopic(topic: unknown, kind: string): boolean {
  return typeof topic === 'string' && topic.startsWith(`aws.ssm.${kind}`);
}

/** The result of a command that failed as a whole. */
function failedReply(clock: Clock): string {
  return JSON.stringify({
    additionalInfo: {
      agent: { lang: 'en-US', name: agentName, os: process.platform, osver: '1', ver: agentVersion },
      dateTime: new Date(clock.now()).toISOString(),
      runId: '',
      runtimeStatusCounts: null,
    },
    documentStatus: 'Failed',
    documentTraceOutput: noDocuments,
    runtimeStatus: null,
  });
}
