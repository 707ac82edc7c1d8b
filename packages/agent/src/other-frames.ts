/**
 * What is answered to frames that aren't about commands. This version serves no sessions, and says so at once,
 * so that nobody waits for one that never comes.
 */
import { type Frame, FrameType, frameMessage, messageFrame } from '@rollcall/wire';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { agentName, agentVersion } from './version.ts';

const noSessions = `${agentName} ${agentVersion} serves no sessions yet; none was started.`;

/** Answers a frame. Throws FrameError when its payload makes no sense. */
export function answerFrame(frame: Frame, nodeId: string, clock: Clock, log: Log): readonly Frame[] {
  const say = (type: string, message: object) => messageFrame(type, message, { createdAt: clock.now() });
  switch (frame.type) {
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
