/**
 * What the server is told about a command, in the form of agent 3.3.0.0: one reply when it begins, one for each
 * step that ended, one for the whole.
 */
import type { CommandReply, DocumentStatus, StepReply } from '@rollcall/wire';
import { agentName, agentVersion } from '../version.ts';
import { streamLimit, streamText, summaryText } from './limits.ts';

/** How a step ended. */
export type StepStatus = 'Success' | 'Failed' | 'TimedOut' | 'Cancelled' | 'Skipped' | 'SuccessAndReboot';

/** A step that ended: what its reply is made of, and what the steps behind it depend on. */
export interface StepOutcome {
  /** The step's name (schema 2.x), or the plugin's (1.2). */
  readonly name: string;
  /** The plugin. */
  readonly action: string;
  readonly status: StepStatus;
  readonly code: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** The beginning of each stream. */
  readonly stdout: string;
  readonly stderr: string;
  /** What is said in place of the output of a step that never ran. */
  readonly message?: string;
  /** Where the whole output was put, if the sender named a place and it is there. */
  readonly s3?: { readonly bucket: string; readonly keyPrefix: string; readonly folder: string };
}

/** Larger replies are dropped on the way (agent 3.3.0.0), and no frame is larger than the server takes. */
const contentLimit = 120_000;
const escapedLimit = 139_000;

/** Which status the whole has: the first of these that any step has. */
const precedence = ['SuccessAndReboot', 'Failed', 'TimedOut', 'Cancelled'] as const;

/** The status of a document whose steps ended so. */
export function documentStatus(statuses: readonly StepStatus[]): DocumentStatus {
  return precedence.find((status) => statuses.includes(status)) ?? 'Success';
}

/** The reply to a command that begins, or to the wish to cancel one. */
export function beginningReply(at: number): string {
  return contentOf({ at, status: 'InProgress' });
}

/** The only reply to a command of which nothing is known but how it ended, and why that is so. */
export function bareReply(at: number, status: DocumentStatus, reason: string): string {
  return contentOf({ at, status, trace: reason });
}

/** The reply about one step that ended, with how many have ended so far, by status. */
export function stepEndedReply(at: number, ended: readonly StepOutcome[], outcome: StepOutcome): string {
  return fitting((limit) =>
    contentOf({ at, status: 'InProgress', ended, steps: { [outcome.name]: stepReply(outcome, limit) } }),
  );
}

/** The reply about a whole document; it tells of the step only if there was one. */
export function finalReply(at: number, ended: readonly StepOutcome[], trace: string): string {
  const [only, ...others] = ended;
  const status = documentStatus(ended.map((outcome) => outcome.status));
  return fitting((limit) => {
    const steps = only && others.length === 0 ? { [only.name]: stepReply(only, limit) } : {};
    return contentOf({ at, status, ended, steps, trace });
  });
}

interface Told {
  readonly at: number;
  readonly status: DocumentStatus;
  readonly ended?: readonly StepOutcome[];
  readonly steps?: Record<string, StepReply>;
  readonly trace?: string;
}

function contentOf({ at, status, ended, steps, trace = '' }: Told): string {
  const reply: CommandReply = {
    additionalInfo: {
      agent: { lang: 'en-US', name: agentName, os: process.platform, osver: '1', ver: agentVersion },
      dateTime: new Date(at).toISOString(),
      runId: '',
      runtimeStatusCounts: ended === undefined ? null : countsOf(ended),
    },
    documentStatus: status,
    documentTraceOutput: trace,
    runtimeStatus: steps ?? null,
  };
  return JSON.stringify(reply);
}

function countsOf(ended: readonly StepOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of ended) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function stepReply(outcome: StepOutcome, limit: number): StepReply {
  const { status, code, stdout, stderr, s3 } = outcome;
  return {
    status,
    code: status === 'Failed' && code === 0 ? 1 : code,
    name: outcome.action,
    output: outcome.message ?? summaryText(stdout, stderr),
    startDateTime: new Date(outcome.startedAt).toISOString(),
    endDateTime: new Date(outcome.endedAt).toISOString(),
    outputS3BucketName: s3?.bucket ?? '',
    outputS3KeyPrefix: s3?.keyPrefix ?? '',
    stepName: s3?.folder ?? '',
    standardOutput: streamText(stdout, limit),
    standardError: streamText(stderr, limit),
  };
}

/** Makes a reply with as much of the streams as fits: text that needs many bytes a character gets fewer. */
function fitting(make: (limit: number) => string): string {
  for (let limit = streamLimit; ; limit = Math.floor(limit * 0.75)) {
    const content = make(limit);
    const fits =
      Buffer.byteLength(content) <= contentLimit &&
      Buffer.byteLength(JSON.stringify(content)) <= escapedLimit;
    if (fits || limit < 100) return content;
  }
}
