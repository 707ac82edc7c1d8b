/** From the options of `rollcall run` to what SendCommand is asked: numbers, rates and parameters, checked. */
import { Failure } from '../failure.ts';
import { parseSpan } from '../output/time.ts';
import type { Sentence } from './words.ts';

/** The options that say how a command is sent. */
export interface SendOptions {
  readonly param?: readonly string[];
  readonly documentVersion?: string;
  readonly concurrency: string;
  readonly maxErrors: string;
  readonly timeout?: string;
  readonly timeLimit?: string;
  readonly dir?: string;
  readonly comment?: string;
  readonly s3Bucket?: string;
  readonly s3Prefix?: string;
}

/** SendCommand's input, but for the nodes. */
export interface SendInput {
  readonly DocumentName: string;
  readonly DocumentVersion?: string;
  readonly Parameters?: Readonly<Record<string, readonly string[]>>;
  readonly MaxConcurrency: string;
  readonly MaxErrors: string;
  readonly TimeoutSeconds?: number;
  readonly Comment?: string;
  readonly OutputS3BucketName?: string;
  readonly OutputS3KeyPrefix?: string;
}

/** Puts together what is sent. */
export function readSend(sentence: Sentence, options: SendOptions): SendInput {
  const parameters = readParameters(sentence, options);
  const { documentVersion, comment, s3Bucket, s3Prefix } = options;
  if (s3Prefix !== undefined && s3Bucket === undefined)
    throw new Failure('--s3-prefix is a place in a bucket: name it too, --s3-bucket NAME.');
  return {
    DocumentName: sentence.document,
    ...(documentVersion !== undefined && { DocumentVersion: documentVersion }),
    ...(parameters.size && { Parameters: Object.fromEntries(parameters) }),
    MaxConcurrency: readRate(options.concurrency, '--concurrency', 1),
    MaxErrors: readRate(options.maxErrors, '--max-errors', 0),
    ...(options.timeout !== undefined && {
      TimeoutSeconds: readSeconds(options.timeout, '--timeout', 30, 2_592_000),
    }),
    ...(comment !== undefined && { Comment: comment }),
    ...(s3Bucket !== undefined && { OutputS3BucketName: s3Bucket }),
    ...(s3Prefix !== undefined && { OutputS3KeyPrefix: s3Prefix }),
  };
}

function readParameters(sentence: Sentence, options: SendOptions): Map<string, readonly string[]> {
  const parameters = new Map<string, string[]>();
  for (const text of options.param ?? []) {
    const at = text.indexOf('=');
    if (at < 1) throw new Failure(`--param is "${text}"; it must be name=value.`);
    const name = text.slice(0, at);
    parameters.set(name, [...(parameters.get(name) ?? []), text.slice(at + 1)]);
  }
  const set = (name: string, value: string | undefined, said: string) => {
    if (value === undefined) return;
    if (parameters.has(name))
      throw new Failure(
        `${said} is the parameter "${name}" already: leave out either it or --param ${name}=...`,
      );
    parameters.set(name, [value]);
  };
  set('commands', sentence.shellLine, 'What stands after --');
  set('workingDirectory', options.dir, '--dir');
  // Agents take a limit of less than five seconds for none, and run for an hour.
  const limit = options.timeLimit;
  set(
    'executionTimeout',
    limit === undefined ? undefined : String(readSeconds(limit, '--time-limit', 5, 172_800)),
    '--time-limit',
  );
  return parameters;
}

/** A number of nodes, or a part of them in percent. */
function readRate(text: string, option: string, least: 0 | 1): string {
  const [, digits = '', percent] = /^(\d{1,7})(%?)$/.exec(text) ?? [];
  const number = digits === '' ? Number.NaN : Number(digits);
  const largest = percent ? 100 : 9_999_999;
  if (number >= least && number <= largest) return `${number}${percent}`;
  throw new Failure(
    `${option} is "${text}"; it must be a number of nodes, or a percentage from ${least}% to 100%.`,
  );
}

function readSeconds(text: string, option: string, least: number, largest: number): number {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : Math.ceil((parseSpan(text) ?? Number.NaN) / 1000);
  if (seconds >= least && seconds <= largest) return seconds;
  throw new Failure(
    `${option} is "${text}"; it must be seconds, or a span as 10m, from ${least} to ${largest} seconds.`,
  );
}
