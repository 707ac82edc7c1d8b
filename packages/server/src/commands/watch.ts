/** Our own views of commands: to whom one would go, and each result as it comes. */
import type {
  CommandProgress,
  FinishedInvocation,
  PreviewTargetsInput,
  PreviewTargetsOutput,
  WatchCommandInput,
  WatchCommandOutput,
} from '@rollcall/wire';
import { sql } from 'kysely';
import { type AnyOperation, type Call, operation, present, Refusal } from '../service/index.ts';
import type { ReadTx } from '../store/index.ts';
import { readStepNames } from './command-facts.ts';
import type { CommandsCore } from './core.ts';
import type { Asked, ListedInvocation } from './describe.ts';
import { type InvocationState, readSteps } from './life.ts';
import { listInvocations } from './lists.ts';
import { keptSizes, type OutputSizes } from './outputs.ts';
import { type CommandState, commandColumns } from './queries.ts';
import { pickNodes, readPicking } from './targets.ts';
import { invocationWords } from './words.ts';

/**
 * Official agents send a document's end and its steps at once, in any order. Until all steps are there, or for
 * this long, in milliseconds, a result isn't told.
 */
const stepsMayFollow = 2_000;
const previewed = 25;

/** The subject on which servers tell each other that invocations of a command have ended. */
export function commandSubject(region: string, commandId: string): string {
  return `command.${region}.${commandId}`;
}

/** The operations, and their end: nobody waits any more when the server stops. */
export interface Watching {
  readonly operations: readonly AnyOperation[];
  drain(): void;
}

/** Declares them. */
export function openWatching(core: CommandsCore): Watching {
  const { store, clock } = core;
  const waiting = new Set<() => void>();
  let draining = false;

  async function look(call: Call, input: WatchCommandInput): Promise<WatchCommandOutput> {
    const { CommandId, After = 0, MaxResults = 100 } = input;
    return store.read(async (tx) => {
      const command = await findCommand(tx, call.region, CommandId);
      const rows = await listInvocations(
        tx,
        call.region,
        [sql`i.command_id = ${CommandId}`, sql`i.number > CAST(${After} AS BIGINT)`],
        MaxResults,
        sql`i.number`,
      );
      const fresh = clock.now() - stepsMayFollow;
      const whole = rows.findIndex((row) => !isWhole(row) && (row.ended_at ?? 0) > fresh);
      const told = whole === -1 ? rows : rows.slice(0, whole);
      const sizes = await keptSizes(
        tx,
        call.region,
        CommandId,
        told.map((row) => row.node_id),
      );
      return {
        Command: progress(command),
        Finished: told.map((row) => finished(row, sizes)),
      };
    });
  }

  /** Resolves when something of the command has moved, the time is over, or nobody waits any more. */
  function moved(call: Call, commandId: string, wait: number): { done: Promise<void>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = core.bus?.subscribe(commandSubject(call.region, commandId), () => resolve());
    const timer = clock.after(wait, resolve);
    waiting.add(resolve);
    call.gone?.addEventListener('abort', () => resolve(), { once: true });
    const cancel = () => {
      end?.();
      timer.cancel();
      waiting.delete(resolve);
    };
    return { done: promise.finally(cancel), cancel };
  }

  const operations = [
    operation<PreviewTargetsInput, PreviewTargetsOutput>({
      service: 'rollcall',
      name: 'PreviewTargets',
      access: { by: 'policy', action: 'rollcall:PreviewTargets', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const picking = readPicking(input.InstanceIds, input.Targets);
        const view = core.presence.view();
        return store.read(async (tx) => {
          const platforms =
            input.DocumentName === undefined
              ? undefined
              : (await core.documents.find(tx, call.region, input.DocumentName, input.DocumentVersion))
                  .platformTypes;
          const nodes = await pickNodes(tx, call.region, picking);
          const open = await connectedNodes(tx, call.region, view);
          const unsuitable = new Map<string, number>();
          let away = 0;
          for (const node of nodes) {
            const unknown = node.registered_at === null || node.deregistered_at !== null;
            const other =
              platforms && node.platform_type !== null && !platforms.includes(node.platform_type as never);
            const why = unknown ? 'Undeliverable' : other ? 'InvalidPlatform' : undefined;
            if (why) unsuitable.set(why, (unsuitable.get(why) ?? 0) + 1);
            else if (!open.has(node.node_id)) away += 1;
          }
          return {
            Total: nodes.length,
            Unsuitable: [...unsuitable].map(([StatusDetails, Count]) => ({ StatusDetails, Count })),
            Away: away,
            Nodes: nodes.slice(0, previewed).map((node) => ({
              InstanceId: node.node_id,
              ...(node.name === null ? {} : { Name: node.name }),
            })),
          };
        });
      },
    }),
    operation<WatchCommandInput, WatchCommandOutput>({
      service: 'rollcall',
      name: 'WatchCommand',
      access: { by: 'policy', action: 'rollcall:WatchCommand', resources: () => ['*'] },
      changes: false,
      waits: true,
      async handle(call, input) {
        const until = clock.monotonic() + (input.WaitSeconds ?? 0) * 1000;
        for (;;) {
          // Listens before it looks, so that nothing can happen in between.
          const left = until - clock.monotonic();
          const news = moved(call, input.CommandId, Math.max(0, Math.min(left, stepsMayFollow)));
          let seen: WatchCommandOutput;
          try {
            seen = await look(call, input);
          } catch (error) {
            news.cancel();
            throw error;
          }
          const { FinishedCount, TargetCount } = seen.Command;
          const over = FinishedCount === TargetCount && (input.After ?? 0) >= FinishedCount;
          if (seen.Finished.length > 0 || over || left <= 0 || draining || call.gone?.aborted) {
            news.cancel();
            return seen;
          }
          await news.done;
        }
      },
    }),
  ];
  return {
    operations,
    drain() {
      draining = true;
      for (const end of waiting) end();
    },
  };
}

async function findCommand(
  tx: ReadTx,
  region: string,
  commandId: string,
): Promise<CommandState & { asked: string }> {
  const row = await tx
    .in(region)
    .selectFrom('commands')
    .select([...commandColumns, 'commands.asked'])
    .where('command_id', '=', commandId)
    .executeTakeFirst();
  if (row) return row;
  throw new Refusal('InvalidCommandId', `There is no command ${commandId} in ${region}.`);
}

async function connectedNodes(
  tx: ReadTx,
  region: string,
  view: ReturnType<CommandsCore['presence']['view']>,
): Promise<ReadonlySet<string>> {
  if (view.liveServers.length === 0) return new Set();
  const rows = await tx
    .in(region)
    .selectFrom('presence')
    .select('node_id')
    .where('channel_server', 'in', view.liveServers)
    .where('closed_at', 'is', null)
    .execute();
  return new Set(rows.map((row) => row.node_id));
}

/** Whether every step that was to come has come. */
function isWhole(row: ListedInvocation): boolean {
  if (row.accepted_at === null || row.state === 'DeliveryTimedOut') return true;
  const steps = readStepNames(row.command_steps).length;
  return steps === 1 ? row.steps !== null : readSteps(row.steps).length >= steps;
}

function progress(row: CommandState & { asked: string }): CommandProgress {
  const { Comment }: Asked = JSON.parse(row.asked);
  return {
    CommandId: row.command_id,
    DocumentName: row.document_name,
    ...(Comment ? { Comment } : {}),
    Status: row.status,
    StatusDetails: row.status_details,
    RequestedDateTime: new Date(row.created_at),
    ExpiresAfter: new Date(row.expires_at),
    RequestedBy: row.requested_by,
    TargetCount: row.target_count,
    FinishedCount: row.finished_count,
    SuccessCount: row.success_count,
    ErrorCount: row.error_count,
    DeliveryTimedOutCount: row.delivery_timed_out_count,
    QueuedCount: row.queued_count,
  };
}

function finished(row: ListedInvocation, sizes: OutputSizes): FinishedInvocation {
  const { status, details } = invocationWords(row.state as InvocationState);
  const plugins = new Map(readStepNames(row.command_steps));
  return present<FinishedInvocation>({
    Number: row.number ?? 0,
    InstanceId: row.node_id,
    Name: row.node_name,
    Status: status,
    StatusDetails: details,
    ResponseCode: row.response_code,
    Reason: row.reason,
    Steps: readSteps(row.steps).map((step) =>
      present<FinishedInvocation['Steps'][number]>({
        Name: step.name,
        Plugin: plugins.get(step.name) ?? '',
        Status: step.status,
        ResponseCode: step.code,
        StandardOutput: step.stdout,
        StandardError: step.stderr,
        StandardOutputBytes: sizes.get(`${row.node_id}/${step.name}/stdout`),
        StandardErrorBytes: sizes.get(`${row.node_id}/${step.name}/stderr`),
      }),
    ),
  });
}
