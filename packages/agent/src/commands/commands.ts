/**
 * Run Command as the rest of the agent sees it: jobs come in over the channel or by polling, and are answered.
 * Everything behind it is loaded with the first job, or when the last agent left something to do.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { type Frame, FrameType, frameMessage, JobStatusCode, messageFrame } from '@rollcall/wire';
import type { PolledMessage } from '../calls.ts';
import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config.ts';
import type { Facts } from '../facts.ts';
import { fileNames } from '../files.ts';
import type { Log } from '../log.ts';
import type { Engine } from './engine.ts';
import { isCommandId } from './job-id.ts';
import type { Reboot } from './reboot.ts';
import { reserveName, setReserveAside } from './reserve.ts';
import type { ServerLink } from './server-link.ts';

/** What {@link openCommands} needs. */
export interface CommandsDeps {
  readonly root: string;
  readonly nodeId: string;
  readonly region: string;
  readonly facts: Facts;
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly link: ServerLink;
  /** Undefined when this agent can't. */
  readonly reboot: Reboot | undefined;
  /** What is another after each start of the machine; empty where that can't be told. */
  readonly bootId: () => string;
  /** The way on which the server can be told something now. */
  readonly way: () => 'channel' | 'polling' | undefined;
  /** Sends over the channel; a frame that doesn't go is sent again. */
  readonly send: (frame: Frame) => void;
  /** Called when {@link Commands.counts} may have others than before. */
  readonly changed: () => void;
}

/** A job, whichever way it came. */
export interface IncomingJob {
  readonly jobId: string;
  readonly topic: string;
  readonly content: string;
}

/** What is said to a job: one of `JobStatusCode`, its name, and, if it can't be done, why. */
export interface JobAnswer {
  readonly code: string;
  readonly message: string;
  readonly reason?: string;
}

/** An answer to a polled message: an operation of the message service and its input. */
export interface PolledAnswer {
  readonly operation: 'SendReply' | 'AcknowledgeMessage' | 'FailMessage';
  readonly input: object;
}

/** Run Command. */
export interface Commands {
  /** Takes a frame about a job; `send` answers on the channel that it came by. */
  received(frame: Frame, send: (frame: Frame) => void): Promise<void>;
  /** Takes a polled message; none of the answers: it is to be offered again. */
  polled(message: PolledMessage): Promise<readonly PolledAnswer[]>;
  /** There is a way to the server again. */
  connected(): void;
  /** Commands that run and that wait to. */
  counts(): { readonly running: number; readonly queued: number };
  /** Kills what runs; the next agent tells. */
  close(): Promise<void>;
}

const stopping: JobAnswer = { code: JobStatusCode.closedProcessor, message: 'ClosedProcessor' };

/** Opens Run Command. */
export function openCommands(deps: CommandsDeps): Commands {
  const { clock, log } = deps;
  let loading: Promise<Engine> | undefined;
  let engine: Engine | undefined;
  let closed = false;

  function load(): Promise<Engine> {
    loading ??= import('./engine.ts')
      .then(({ openEngine }) => openEngine(deps))
      .then((opened) => {
        engine = opened;
        deps.changed();
        // A kill would skip what Node otherwise does at the exit: keep what it compiled.
        setTimeout(flushCompileCache, 2000).unref();
        return opened;
      });
    // What kept it from being opened may be over when the next job comes.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  }

  async function job(frame: Frame, send: (frame: Frame) => void): Promise<void> {
    const { JobId: jobId, Topic: topic, Content: content } = frameMessage(frame);
    if (typeof jobId !== 'string' || typeof topic !== 'string' || typeof content !== 'string') {
      log('warn', 'A job without id, topic or content was left unanswered.');
      return;
    }
    const opened = closed ? undefined : await load();
    const { code, message, reason } = (await opened?.answer({ jobId, topic, content })) ?? stopping;
    const ack = {
      jobId,
      acknowledgedMessageId: frame.id,
      createdDate: new Date(frame.createdAt).toISOString(),
      statusCode: code,
      errorMessage: message,
    };
    send(messageFrame(FrameType.agentJobAck, ack, { createdAt: clock.now() }));
    log('debug', 'A job was answered.', { jobId, code });
    if (opened === undefined) return;
    if (reason !== undefined) send(opened.replyFrame(jobId, opened.failing(reason)));
    else if (isCancellation(topic))
      send(opened.replyFrame(jobId, opened.beginning(), undefined, 'aws.ssm.cancelCommand'));
  }

  function goOn(): void {
    if (closed || !isAnythingLeft(deps.root)) return;
    void load().catch((error: Error) =>
      log('error', 'Commands cannot be gone on with.', { error: error.stack }),
    );
  }
  try {
    setReserveAside(join(deps.root, fileNames.jobs));
  } catch (error) {
    log(
      'warn',
      'There is no room to note commands in; a kill while the disk is full could have one run twice.',
      {
        error: (error as Error).message,
      },
    );
  }
  goOn();

  return {
    async received(frame, send) {
      if (frame.type === FrameType.agentJob) return job(frame, send);
      const { acknowledgedMessageId: id } = frameMessage(frame);
      if (typeof id === 'string') engine?.acknowledged(id);
    },

    async polled({ MessageId, Topic, Payload }) {
      const cancels = isCancellation(Topic);
      if (closed) return [];
      const failed = {
        operation: 'FailMessage',
        input: { MessageId, FailureType: 'InternalHandlerException' },
      } as const;
      if (!cancels && !Topic.startsWith('aws.ssm.sendCommand')) return [failed];
      const opened = await load();
      const { code, reason } = await opened.answer({ jobId: MessageId, topic: Topic, content: Payload });
      const reply = (content: string): PolledAnswer => ({
        operation: 'SendReply',
        input: { MessageId, Payload: opened.polledPayload(content), ReplyId: crypto.randomUUID() },
      });
      // As the official agent does it: a command that can't be run isn't acknowledged as well.
      if (reason !== undefined) return [cancels ? failed : reply(opened.failing(reason))];
      const acknowledge = { operation: 'AcknowledgeMessage', input: { MessageId } } as const;
      if (code === JobStatusCode.duplicateCommand || cancels) return [reply(opened.beginning()), acknowledge];
      return code === JobStatusCode.accepted ? [acknowledge] : [];
    },

    // What kept the engine from being opened may be over.
    connected: () => (engine === undefined ? goOn() : engine.connected()),
    counts: () => ({ running: engine?.running ?? 0, queued: engine?.queued ?? 0 }),

    async close() {
      closed = true;
      const opened = await loading?.catch(() => undefined);
      await opened?.close();
    },
  };
}

function isCancellation(topic: string): boolean {
  return topic.startsWith('aws.ssm.cancelCommand');
}

/** Whether an agent before this one left a command that isn't done with. */
function isAnythingLeft(root: string): boolean {
  const folder = join(root, fileNames.jobs);
  if (!existsSync(folder)) return false;
  try {
    const reserve = join(folder, reserveName);
    const isUsed = existsSync(reserve) && readFileSync(reserve, 'latin1').includes('{');
    return isUsed || readdirSync(folder).some(isCommandId);
  } catch {
    return true;
  }
}
