/**
 * The frames of a control channel that concern jobs, between their payloads and what a mailbox
 * understands.
 */
import { randomUUID } from 'node:crypto';
import type { Frame } from '@rollcall/wire';
import { readObject } from './hello.ts';
import type { Answer, Mail, Reply } from './mailbox.ts';

/** A frame as control channels carry it: schema 1, no sequence, no flags, payload type 0. */
export function controlFrame(type: string, payload: object, at: number): Frame {
  return {
    type,
    schemaVersion: 1,
    createdAt: at,
    sequence: 0,
    flags: 0,
    id: randomUUID(),
    payloadType: 0,
    payload: Buffer.from(JSON.stringify(payload)),
  };
}

/** The frame that offers a job. */
export function jobFrame(mail: Mail, at: number): Frame {
  return controlFrame(
    'agent_job',
    { SchemaVersion: 1, JobId: mail.jobId, Topic: mail.topic, Content: mail.content },
    at,
  );
}

/** The frame that tells the agent that its reply is on disk and need not be sent again. */
export function replyAckFrame(reply: Reply, at: number): Frame {
  return controlFrame(
    'agent_job_reply_ack',
    { jobId: reply.jobId, acknowledgedMessageId: reply.replyId },
    at,
  );
}

/** Reads an `agent_job_ack`; undefined when its payload is not one. */
export function readAnswer(frame: Frame): Answer | undefined {
  const payload = readPayload(frame);
  const code = payload?.statusCode;
  if (typeof payload?.jobId !== 'string' || (typeof code !== 'string' && typeof code !== 'number')) return;
  const words = typeof payload.errorMessage === 'string' ? ` ${payload.errorMessage}` : '';
  return { jobId: payload.jobId, verdict: verdictOf(String(code)), reason: `${code}${words}` };
}

/** Reads an `agent_job_reply`; undefined when its payload is not one. */
export function readReply(frame: Frame): Reply | undefined {
  const payload = readPayload(frame);
  if (typeof payload?.jobId !== 'string' || typeof payload.content !== 'string') return;
  return { jobId: payload.jobId, replyId: frame.id, content: payload.content };
}

function readPayload(frame: Frame): Record<string, unknown> | undefined {
  return readObject(Buffer.from(frame.payload).toString('utf8'));
}

function verdictOf(code: string): Answer['verdict'] {
  switch (code) {
    case '200':
    // The agent has seen this command before: it runs, or ran.
    case '51405':
      return 'accepted';
    // Stopping, and all workers and their buffer taken.
    case '51401':
    case '51402':
      return 'later';
    default:
      return 'refused';
  }
}
