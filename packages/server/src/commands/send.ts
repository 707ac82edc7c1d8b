/** `SendCommand`: checks everything, and writes command, frozen document and invocations as one. */
import { randomUUID } from 'node:crypto';
import type { Command, SendCommandRequest, SendCommandResult } from '@aws-sdk/client-ssm';
import {
  executionSecondsOf,
  type ParameterValues,
  type PlatformType,
  parameterStoreReferences,
  readParameters,
} from '@rollcall/documents';
import type { SendCommandContent } from '@rollcall/wire';
import { sql } from 'kysely';
import { principalName, recordAudit } from '../audit/index.ts';
import { documentArn, type FoundDocument } from '../documents/index.ts';
import { nodeArn } from '../nodes/index.ts';
import { type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import { type CommandsRow, rowsOf, type WriteTx } from '../store/index.ts';
import type { CommandsCore } from './core.ts';
import { type Asked, describeCommand } from './describe.ts';
import { type InvocationState, isOver } from './life.ts';
import { concurrencyOf, defaultConcurrency, defaultErrors, errorLimitOf } from './rate.ts';
import { count } from './settle.ts';
import { type PickedNode, type Picking, pickNodes, readPicking } from './targets.ts';
import { commandWords } from './words.ts';

/** The longest job that agents are sent, in bytes (observed of AWS, whose text says 97KB). */
const longestJob = 100_000;
/** Seconds in which a command must reach its node, unless told. */
const defaultTimeout = 3600;

/** A node, and the state that its invocation begins with. */
interface Start {
  readonly node: PickedNode;
  readonly state: InvocationState;
  readonly reason: string | null;
}

/** Declares it. */
export function sendOperation(core: CommandsCore): AnyOperation {
  return operation<SendCommandRequest, SendCommandResult>({
    service: 'ssm',
    name: 'SendCommand',
    access: {
      by: 'policy',
      action: 'ssm:SendCommand',
      // Nodes that are found by targets are decided on one by one: who isn't allowed gets no invocation that runs.
      resources: (input, call) => [
        documentArn(call.region, call.account, input.DocumentName ?? ''),
        ...(input.InstanceIds ?? []).map((id) => nodeArn(call.region, call.account, id)),
      ],
    },
    changes: true,
    async handle(call, input) {
      const picking = readPicking(input.InstanceIds, input.Targets);
      refuseWhatIsNotServed(input);
      const { found, nodes } = await core.store.read(async (tx) => ({
        found: await core.documents.find(tx, call.region, input.DocumentName ?? '', input.DocumentVersion),
        nodes: await pickNodes(tx, call.region, picking),
      }));
      checkHash(input, found);
      if (picking.instanceIds.length > 0) refuseUnfit(call, nodes, found.platformTypes);
      const values = parametersOf(found, input.Parameters ?? {});
      const commandId = randomUUID();
      const content = jobContent(commandId, found, values, input);
      const starts = await startsOf(core, call, picking, nodes, found.platformTypes);
      const executionSeconds = executionSecondsOf(found.document, values);
      const row = newRow(call, commandId, found, input, content, starts.length, executionSeconds);
      return {
        Command: await core.store.write(async (tx) => {
          await insertCommand(tx, core, call, row, starts);
          await recordAudit(tx, call, {
            resource: documentArn(call.region, call.account, found.name),
            detail: { command: commandId, nodes: row.target_count, document: found.name },
          });
          return describe(row, input);
        }),
      };
    },
  });
}

function describe(row: CommandsRow, input: SendCommandRequest): Command {
  // As AWS: who names ids gets them back, and an empty list of targets, and the other way round.
  const command = describeCommand(row, row.asked);
  return { ...command, InstanceIds: input.InstanceIds ?? [], Targets: input.Targets ?? [] };
}

/** What would silently not happen is refused instead. */
function refuseWhatIsNotServed(input: SendCommandRequest): void {
  const { NotificationConfig: notification, AlarmConfiguration: alarms } = input;
  if (notification?.NotificationArn || notification?.NotificationEvents?.length) {
    throw new Refusal(
      'InvalidNotificationConfig',
      'This server sends no notifications: leave NotificationConfig out, and wait for the command instead.',
    );
  }
  if (alarms?.Alarms?.length) {
    throw new Refusal('ValidationException', 'This server has no alarms: leave AlarmConfiguration out.');
  }
}

function checkHash(input: SendCommandRequest, found: FoundDocument): void {
  if (input.DocumentHash === undefined) return;
  if (input.DocumentHashType === 'Sha1') {
    throw new Refusal(
      'InvalidDocument',
      'DocumentHashType Sha1 is deprecated: give the SHA-256 of the document.',
    );
  }
  if (input.DocumentHash.toLowerCase() !== found.hash) {
    throw new Refusal(
      'InvalidDocument',
      `The hash of version ${found.version} of ${found.name} is ${found.hash}, not the one given: it is another document than you expect.`,
    );
  }
}

/** With ids, one node that can't have it refuses the whole; AWS's words first, then our reason. */
function refuseUnfit(call: Call, nodes: readonly PickedNode[], platforms: readonly PlatformType[]): void {
  const away = nodes.filter((node) => node.registered_at === null || node.deregistered_at !== null);
  if (away.length > 0) {
    const ids = away.map((node) => node.node_id).join(', ');
    const why = away.map((node) => absence(call, node)).join(' ');
    throw new Refusal(
      'InvalidInstanceId',
      `Instances [[${ids}]] not in a valid state for account ${call.account}. ${why}`,
    );
  }
  const other = nodes.find((node) => !runsOn(node, platforms));
  if (other) {
    throw new Refusal(
      'UnsupportedPlatformType',
      `Cannot perform operation for instance id ${other.node_id} of platform type ${other.platform_type}. ` +
        `The document runs on ${platforms.join(', ')}.`,
    );
  }
}

function absence(call: Call, node: PickedNode): string {
  return node.deregistered_at === null
    ? `No node ${node.node_id} has registered in ${call.region}.`
    : `${node.node_id} was deregistered at ${new Date(node.deregistered_at).toISOString()}.`;
}

/** A node that has never said what it is gets the benefit of the doubt: its agent checks again. */
function runsOn(node: PickedNode, platforms: readonly PlatformType[]): boolean {
  return node.platform_type === null || platforms.includes(node.platform_type as PlatformType);
}

function parametersOf(found: FoundDocument, given: Record<string, string[]>): ParameterValues {
  const read = readParameters(found.document, given);
  if (!read.ok) {
    throw new Refusal('InvalidParameters', read.problems.map((one) => one.message).join(' '));
  }
  const references = [
    ...parameterStoreReferences(read.value),
    ...parameterStoreReferences(found.document.content),
  ];
  if (references.length > 0) {
    throw new Refusal(
      'InvalidParameters',
      `This server has no Parameter Store: {{ssm:${references[0]}}} can't be resolved. Give the value itself.`,
    );
  }
  return read.value;
}

function jobContent(
  commandId: string,
  found: FoundDocument,
  values: ParameterValues,
  input: SendCommandRequest,
): string {
  const logs = input.CloudWatchOutputConfig;
  const content: SendCommandContent = {
    Parameters: values,
    DocumentContent: found.document.content,
    CommandId: commandId,
    DocumentName: found.name,
    OutputS3BucketName: input.OutputS3BucketName ?? '',
    OutputS3KeyPrefix: input.OutputS3KeyPrefix ?? '',
    CloudWatchLogGroupName: logs?.CloudWatchLogGroupName ?? '',
    CloudWatchOutputEnabled: logs?.CloudWatchOutputEnabled ? 'true' : 'false',
  };
  const text = JSON.stringify(content);
  const bytes = Buffer.byteLength(text);
  if (bytes > longestJob) {
    throw new Refusal(
      'MaxDocumentSizeExceeded',
      `The size limit of a document with its parameters is 97KB (${longestJob} bytes); this one has ${bytes}.`,
    );
  }
  return text;
}

/** Says what becomes of each node at once. Asks the policy node by node where nodes were found by targets. */
async function startsOf(
  core: CommandsCore,
  call: Call,
  picking: Picking,
  nodes: readonly PickedNode[],
  platforms: readonly PlatformType[],
): Promise<readonly Start[]> {
  const starts: Start[] = [];
  for (const node of nodes) {
    if (node.registered_at === null || node.deregistered_at !== null) {
      starts.push({ node, state: 'Undeliverable', reason: absence(call, node) });
    } else if (picking.targets.length > 0 && !(await mayCommand(core, call, node))) {
      starts.push({
        node,
        state: 'AccessDenied',
        reason: `${principalName(call.principal)} may not do ssm:SendCommand on this node.`,
      });
    } else if (!runsOn(node, platforms)) {
      starts.push({
        node,
        state: 'InvalidPlatform',
        reason: `The document runs on ${platforms.join(', ')}; this node is ${node.platform_type}.`,
      });
    } else starts.push({ node, state: 'queued', reason: null });
  }
  return starts;
}

async function mayCommand(core: CommandsCore, call: Call, node: PickedNode): Promise<boolean> {
  const resource = nodeArn(call.region, call.account, node.node_id);
  return (await core.decide(call, 'ssm:SendCommand', [resource])).allowed;
}

function newRow(
  call: Call,
  commandId: string,
  found: FoundDocument,
  input: SendCommandRequest,
  content: string,
  targets: number,
  executionSeconds: number,
): CommandsRow {
  const timeout = input.TimeoutSeconds ?? defaultTimeout;
  const maxConcurrency = input.MaxConcurrency ?? defaultConcurrency;
  const maxErrors = input.MaxErrors ?? defaultErrors;
  const asked: Asked = {
    Comment: input.Comment,
    Parameters: input.Parameters,
    InstanceIds: input.InstanceIds,
    Targets: input.Targets,
    MaxConcurrency: maxConcurrency,
    MaxErrors: maxErrors,
    OutputS3Region: input.OutputS3Region,
    OutputS3BucketName: input.OutputS3BucketName,
    OutputS3KeyPrefix: input.OutputS3KeyPrefix,
    ServiceRole: input.ServiceRoleArn,
    CloudWatchOutputConfig: input.CloudWatchOutputConfig,
  };
  const name = input.DocumentName ?? '';
  return {
    region: call.region,
    command_id: commandId,
    created_at: call.at,
    requested_by: principalName(call.principal),
    document_name: name.startsWith('arn:') ? found.name : name,
    document_version: input.DocumentVersion ?? '$DEFAULT',
    status: '',
    status_details: '',
    // Delivery and work together: AWS counts one time for both.
    expires_at: call.at + (timeout + executionSeconds) * 1000,
    timeout_seconds: timeout,
    execution_seconds: executionSeconds,
    concurrency: concurrencyOf(maxConcurrency, targets),
    error_limit: errorLimitOf(maxErrors, targets),
    cancelled_at: null,
    target_count: targets,
    queued_count: 0,
    started_count: 0,
    finished_count: 0,
    success_count: 0,
    error_count: 0,
    delivery_timed_out_count: 0,
    excluded_count: 0,
    asked: JSON.stringify(asked),
    steps: JSON.stringify(found.document.steps.map((step) => [step.name, step.action])),
    content,
  };
}

/** Writes it all; `row` is completed with its counters and status. */
async function insertCommand(
  tx: WriteTx,
  core: CommandsCore,
  call: Call,
  row: CommandsRow,
  starts: readonly Start[],
): Promise<void> {
  let room = row.concurrency;
  const items = starts.map(({ node, state, reason }, position) => {
    const begins: InvocationState = state === 'queued' && room-- > 0 ? 'released' : state;
    return { node_id: node.node_id, position, state: begins, reason };
  });
  if (items.length > 0) {
    const at = sql`CAST(${call.at} AS BIGINT)`;
    // A node that was deregistered since it was picked gets nothing that would wait for it.
    const gone = sql`(item.state IN ('queued', 'released') AND nodes.node_id IS NULL)`;
    const over = sql`(item.state NOT IN ('queued', 'released') OR nodes.node_id IS NULL)`;
    const { rows } = await sql<{ state: InvocationState; count: number }>`
      INSERT INTO invocations (region, command_id, node_id, position, created_at, state, deadline, attempt,
        ended_at, reason, number)
      SELECT ${call.region}, ${row.command_id}, item.node_id, item.position, ${at},
        CASE WHEN ${gone} THEN 'Undeliverable' ELSE item.state END, CAST(${row.expires_at} AS BIGINT), 0,
        CASE WHEN ${over} THEN ${at} END,
        CASE WHEN ${gone} THEN 'The node was deregistered.' ELSE item.reason END,
        CASE WHEN ${over} THEN row_number() OVER (ORDER BY CASE WHEN ${over} THEN 0 ELSE 1 END, item.position) END
      FROM ${rowsOf(tx, 'item', items, { node_id: 'text', position: 'bigint', state: 'text', reason: 'text' })}
      LEFT JOIN nodes ON nodes.region = ${call.region} AND nodes.node_id = item.node_id
        AND nodes.deregistered_at IS NULL
      WHERE 1 = 1
      RETURNING state`.execute(tx.everywhere);
    for (const { state } of rows) count(row, state, 1);
  }
  const words = commandWords(row);
  row.status = words.status;
  row.status_details = words.details;
  const { region: _, ...columns } = row;
  await tx.in(call.region).insertInto('commands').values(columns).execute();
  tx.afterCommit(() => {
    for (const { node_id, state } of items)
      if (!isOver(state) && state !== 'queued') core.news.released(node_id);
  });
}
