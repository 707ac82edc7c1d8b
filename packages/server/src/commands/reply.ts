/**
 * What an agent reports of a job, read from the JSON text of its reply. Comes from machines that may be
 * somebody else's by now: everything is bounded, and what doesn't fit is cut or left out.
 */
import { parseJson, type StepReply } from '@rollcall/wire';

/** A step as it was last reported. */
export interface StepReport {
  readonly name: string;
  readonly status: string;
  readonly code: number;
  /** ISO 8601, as the agent wrote it; empty when it hasn't begun or ended. */
  readonly start: string;
  readonly end: string;
  /** What lists show: both streams together, 2,500 characters at most. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Where in an S3 bucket the output went, if it did. */
  readonly bucket: string;
  readonly prefix: string;
}

/** A report. */
export interface Report {
  /** The agent's word for the whole document. */
  readonly status: string;
  /** Why the document failed as a whole; empty when it didn't. */
  readonly trace: string;
  readonly steps: readonly StepReport[];
}

const longestStatus = 32;
const longestTrace = 2_500;
const longestOutput = 2_600;
/** What agents cut a stream to, its note that it was cut included. */
const longestStream = 24_000;
const longestName = 512;
const mostSteps = 200;

/** Reads a reply; undefined when it isn't one. */
export function readReport(text: string): Report | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.documentStatus !== 'string') return undefined;
  const steps = isObject(value.runtimeStatus) ? Object.entries(value.runtimeStatus) : [];
  return {
    status: cut(value.documentStatus, longestStatus),
    trace: cut(value.documentTraceOutput, longestTrace),
    steps: steps
      .slice(0, mostSteps)
      .flatMap(([name, step]) => (isObject(step) ? [readStep(name, step)] : [])),
  };
}

function readStep(name: string, step: { readonly [member in keyof StepReply]?: unknown }): StepReport {
  return {
    name: cut(name, longestName),
    status: cut(step.status, longestStatus),
    code: typeof step.code === 'number' && Number.isSafeInteger(step.code) ? step.code : 0,
    start: readTime(step.startDateTime),
    end: readTime(step.endDateTime),
    output: cut(step.output, longestOutput),
    stdout: cut(step.standardOutput, longestStream),
    stderr: cut(step.standardError, longestStream),
    bucket: cut(step.outputS3BucketName, longestName),
    prefix: cut(step.outputS3KeyPrefix, 2 * longestName),
  };
}

/** The official agent writes the year 1 for a step that never began. */
function readTime(value: unknown): string {
  if (typeof value !== 'string' || value.length > 40) return '';
  const at = Date.parse(value);
  return at > 0 ? new Date(at).toISOString() : '';
}

/** Why an agent won't have a job, in its own words. */
export function readReason(text: string): string {
  return cut(text, longestTrace);
}

/** Text that both engines can keep: no NUL, no half characters, no longer than it may be. */
function cut(value: unknown, most: number): string {
  if (typeof value !== 'string' || value === '') return '';
  return value.slice(0, most).replaceAll('\0', '\uFFFD').toWellFormed();
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
