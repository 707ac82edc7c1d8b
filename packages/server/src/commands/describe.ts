/** Commands and invocations, as AWS's lists show them. What isn't known is absent. */
import type {
  Command,
  CommandInvocation,
  CommandPlugin,
  GetCommandInvocationResult,
  SendCommandRequest,
} from '@aws-sdk/client-ssm';
import { present } from '../service/index.ts';
import type { InvocationsRow } from '../store/index.ts';
import { type InvocationState, readSteps } from './life.ts';
import type { CommandState } from './queries.ts';
import type { StepReport } from './reply.ts';
import { invocationWords, stepStatus } from './words.ts';

/** What a sender asked for, kept as it was. */
export type Asked = {
  readonly [K in
    | 'Comment'
    | 'Parameters'
    | 'InstanceIds'
    | 'Targets'
    | 'MaxConcurrency'
    | 'MaxErrors'
    | 'OutputS3Region'
    | 'OutputS3BucketName'
    | 'OutputS3KeyPrefix'
    | 'CloudWatchOutputConfig']: SendCommandRequest[K];
} & { readonly ServiceRole: string | undefined };

/** An invocation with what lists show of its node and its command. */
export interface ListedInvocation extends InvocationsRow {
  readonly node_name: string | null;
  readonly document_name: string;
  readonly document_version: string;
  readonly command_asked: string;
  readonly command_steps: string;
}

/** A command. */
export function describeCommand(row: CommandState, asked: string): Command {
  const { Comment, ...rest }: Asked = JSON.parse(asked);
  return present<Command>({
    CommandId: row.command_id,
    DocumentName: row.document_name,
    DocumentVersion: row.document_version,
    Comment: Comment ?? '',
    ExpiresAfter: new Date(row.expires_at),
    Parameters: rest.Parameters ?? {},
    InstanceIds: rest.InstanceIds ?? [],
    Targets: rest.Targets ?? [],
    RequestedDateTime: new Date(row.created_at),
    Status: row.status as Command['Status'],
    StatusDetails: row.status_details,
    OutputS3Region: rest.OutputS3Region,
    OutputS3BucketName: rest.OutputS3BucketName ?? '',
    OutputS3KeyPrefix: rest.OutputS3KeyPrefix ?? '',
    MaxConcurrency: rest.MaxConcurrency,
    MaxErrors: rest.MaxErrors,
    TargetCount: row.target_count,
    CompletedCount: row.finished_count,
    ErrorCount: row.error_count,
    DeliveryTimedOutCount: row.delivery_timed_out_count,
    ServiceRole: rest.ServiceRole ?? '',
    NotificationConfig: { NotificationArn: '', NotificationEvents: [], NotificationType: '' as never },
    CloudWatchOutputConfig: rest.CloudWatchOutputConfig ?? {
      CloudWatchLogGroupName: '',
      CloudWatchOutputEnabled: false,
    },
    TimeoutSeconds: row.timeout_seconds,
  });
}

/** A line of `ListCommandInvocations`; with its plugins when details are asked for. */
export function describeInvocation(
  row: ListedInvocation,
  reachable: boolean,
  details: boolean,
): CommandInvocation {
  const asked: Asked = JSON.parse(row.command_asked);
  const { status, details: word } = invocationWords(row.state as InvocationState, reachable);
  const steps = readSteps(row.steps);
  const [only] = steps.length === 1 ? steps : [];
  return present<CommandInvocation>({
    CommandId: row.command_id,
    InstanceId: row.node_id,
    InstanceName: row.node_name ?? '',
    Comment: asked.Comment ?? '',
    DocumentName: row.document_name,
    DocumentVersion: row.document_version,
    RequestedDateTime: new Date(row.created_at),
    Status: status,
    StatusDetails: word,
    TraceOutput: row.reason ?? undefined,
    StandardOutputUrl: outputUrl(only, 'stdout'),
    StandardErrorUrl: outputUrl(only, 'stderr'),
    CommandPlugins: details ? plugins(row, asked) : [],
    ServiceRole: asked.ServiceRole ?? '',
    NotificationConfig: { NotificationArn: '', NotificationEvents: [], NotificationType: '' as never },
    CloudWatchOutputConfig: asked.CloudWatchOutputConfig ?? {
      CloudWatchLogGroupName: '',
      CloudWatchOutputEnabled: false,
    },
  });
}

function plugins(row: ListedInvocation, asked: Asked): CommandPlugin[] {
  return readSteps(row.steps).map((step) =>
    present<CommandPlugin>({
      Name: step.name,
      Status: stepStatus(step.status),
      StatusDetails: stepDetails(step),
      ResponseCode: step.code,
      ResponseStartDateTime: dateOfText(step.start),
      ResponseFinishDateTime: dateOfText(step.end),
      Output: step.output,
      StandardOutputUrl: outputUrl(step, 'stdout') ?? '',
      StandardErrorUrl: outputUrl(step, 'stderr') ?? '',
      OutputS3Region: asked.OutputS3Region,
      OutputS3BucketName: step.bucket,
      OutputS3KeyPrefix: step.prefix,
    }),
  );
}

/**
 * What `GetCommandInvocation` answers: of the step `plugin`, with its own status when it was `named`; of the
 * whole, without output, when the document has several steps and none was named.
 */
export function describeStep(
  row: ListedInvocation,
  reachable: boolean,
  plugin: string | undefined,
  named: boolean,
): GetCommandInvocationResult {
  const asked: Asked = JSON.parse(row.command_asked);
  const state = row.state as InvocationState;
  const step = plugin === undefined ? undefined : readSteps(row.steps).find((one) => one.name === plugin);
  const whole = invocationWords(state, reachable);
  const ended = step !== undefined && step.end !== '';
  const words =
    named && step && isOwnEnd(step)
      ? { status: stepStatus(step.status), details: stepDetails(step) }
      : { status: whole.status, details: whole.details };
  return present<GetCommandInvocationResult>({
    CommandId: row.command_id,
    InstanceId: row.node_id,
    Comment: asked.Comment ?? '',
    DocumentName: row.document_name,
    DocumentVersion: row.document_version,
    PluginName: plugin ?? '',
    ResponseCode: step?.code ?? row.response_code ?? -1,
    ExecutionStartDateTime: step?.start ?? '',
    ExecutionElapsedTime: ended && step.start !== '' ? elapsed(step.start, step.end) : '',
    ExecutionEndDateTime: ended ? step.end : '',
    Status: words.status,
    StatusDetails: words.details,
    StandardOutputContent: step?.stdout ?? '',
    StandardOutputUrl: outputUrl(step, 'stdout') ?? '',
    // Where nothing came from the node, our reason is all that there is to say.
    StandardErrorContent: step?.stderr || (step === undefined ? (row.reason ?? '') : ''),
    StandardErrorUrl: outputUrl(step, 'stderr') ?? '',
    CloudWatchOutputConfig: asked.CloudWatchOutputConfig ?? {
      CloudWatchLogGroupName: '',
      CloudWatchOutputEnabled: false,
    },
  });
}

/** Whether a step has ended by itself, so that its own words say more than those of the whole. */
function isOwnEnd(step: StepReport): boolean {
  return !['', 'NotStarted', 'InProgress', 'SuccessAndReboot'].includes(step.status);
}

function stepDetails(step: StepReport): string {
  return step.status === 'TimedOut' ? 'ExecutionTimedOut' : stepStatus(step.status);
}

/** Where the agent says that it put a stream; the store is the sender's own, so the address is `s3://`. */
function outputUrl(step: StepReport | undefined, stream: 'stdout' | 'stderr'): string | undefined {
  if (!step || step.bucket === '') return undefined;
  return `s3://${step.bucket}/${[step.prefix, step.name.replaceAll(':', ''), stream].filter(Boolean).join('/')}`;
}

function dateOfText(text: string): Date | undefined {
  return text === '' ? undefined : new Date(text);
}

/** ISO 8601, as AWS writes it: `PT1.042S`. */
function elapsed(start: string, end: string): string {
  const ms = Math.max(0, Date.parse(end) - Date.parse(start));
  return `PT${ms / 1000}S`;
}
