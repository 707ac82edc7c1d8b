/** Reading a job that came from the server: what is to be run with which values, or why it can't be. */
import {
  type CommandDocument,
  documentFrom,
  type JsonObject,
  type ParameterValues,
  parameterStoreReferences,
  problemsText,
} from '@rollcall/documents';
import { parseJson } from '@rollcall/wire';
import { valuesFor } from './parameters.ts';

/** A job that can be run. */
export interface Job {
  readonly document: CommandDocument;
  readonly values: ParameterValues;
  /** Where whole outputs are to be put as well. */
  readonly s3: { readonly bucket: string; readonly prefix: string } | undefined;
  /** Whether the sender wants the output in CloudWatch Logs as well. */
  readonly wantsCloudWatch: boolean;
}

/** Reads the content of a job that runs a command; answers a sentence when it makes no sense. */
export function readJob(content: string): Job | string {
  const value = objectOf(content);
  if (value === undefined) return 'The content of the job is not a JSON object.';
  const document = documentFrom(value.DocumentContent);
  if (!document.ok) return `The document is not valid. ${problemsText(document.problems)}`;
  const given = value.Parameters ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return 'The parameters are not a JSON object.';
  const values = valuesFor(document.value, given as JsonObject);
  if (!values.ok) return `The parameters don't fit the document. ${problemsText(values.problems)}`;
  const references = parameterStoreReferences([document.value.content, given as JsonObject]);
  if (references.length > 0)
    return `The Parameter Store, which the document refers to (${references.slice(0, 5).join(', ')}), is not read by this agent.`;
  const { OutputS3BucketName: bucket, OutputS3KeyPrefix: prefix } = value;
  const s3 =
    typeof bucket === 'string' && bucket !== ''
      ? { bucket, prefix: typeof prefix === 'string' ? prefix : '' }
      : undefined;
  // On the wire it is text.
  const wantsCloudWatch = String(value.CloudWatchOutputEnabled).toLowerCase() === 'true';
  return { document: document.value, values: values.value, s3, wantsCloudWatch };
}

/** The command that a job wants cancelled, as a job's id; undefined when it doesn't say. */
export function readCancellation(content: string): string | undefined {
  const id = objectOf(content)?.CancelMessageId;
  return typeof id === 'string' ? id : undefined;
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
