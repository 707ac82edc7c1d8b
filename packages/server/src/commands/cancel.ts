/** `CancelCommand`: what hasn't begun ends at once; what has is told to stop, and ends as it says. */
import type { CancelCommandRequest, CancelCommandResult } from '@aws-sdk/client-ssm';
import { recordAudit } from '../audit/index.ts';
import { type AnyOperation, operation, Refusal } from '../service/index.ts';
import type { CommandsCore } from './core.ts';
import { endQueued, lockCommand, settle, settleCommand } from './settle.ts';

/** Declares it. */
export function cancelOperation(core: CommandsCore): AnyOperation {
  return operation<CancelCommandRequest, CancelCommandResult>({
    service: 'ssm',
    name: 'CancelCommand',
    access: { by: 'policy', action: 'ssm:CancelCommand', resources: () => ['*'] },
    changes: true,
    async handle(call, input) {
      const commandId = input.CommandId ?? '';
      const only = input.InstanceIds ?? [];
      const twice = only.find((id, index) => only.indexOf(id) !== index);
      if (twice !== undefined) {
        throw new Refusal('DuplicateInstanceId', `An instance ID can be named once only: ${twice}`);
      }
      await core.store.write(async (tx) => {
        const mine = await tx
          .in(call.region)
          .selectFrom('invocations')
          .select(['node_id', 'state', 'ended_at'])
          .where('command_id', '=', commandId)
          .$if(only.length > 0, (query) => query.where('node_id', 'in', only))
          .execute();
        await refuseUnknown(
          mine.length,
          async () => (await lockCommand(tx, call.region, commandId)) !== undefined,
          {
            commandId,
            region: call.region,
            named: only.length,
            missing: only.find((id) => !mine.some((row) => row.node_id === id)),
          },
        );
        const live = mine.filter((row) => row.ended_at === null);
        const whole = only.length === 0;
        const now = core.clock.now();
        // Those that wait for room end together; the whole command goes to no further node.
        const asked = whole ? live.filter((row) => row.state !== 'queued') : live;
        if (whole && live.length > 0) {
          const command = await lockCommand(tx, call.region, commandId);
          if (command) {
            command.cancelled_at = now;
            await endQueued(tx, now, command, 'Cancelled');
            await settleCommand(tx, core.news, now, command);
          }
        }
        await settle(
          tx,
          core.book,
          core.news,
          now,
          asked.map((row) => ({
            region: call.region,
            commandId,
            nodeId: row.node_id,
            event: { kind: 'cancel' },
          })),
        );
        tx.afterCommit(() => {
          for (const row of asked) core.news.released(row.node_id);
        });
        await recordAudit(tx, call, {
          resource: `command/${commandId}`,
          detail: { nodes: asked.length + (whole ? live.length - asked.length : 0) },
        });
      });
      return {};
    },
  });
}

async function refuseUnknown(
  found: number,
  exists: () => Promise<boolean>,
  asked: { commandId: string; region: string; named: number; missing: string | undefined },
): Promise<void> {
  if (found === 0 && !(await exists())) {
    throw new Refusal('InvalidCommandId', `There is no command ${asked.commandId} in ${asked.region}.`);
  }
  if (asked.named > 0 && asked.missing !== undefined) {
    throw new Refusal('InvalidInstanceId', `The command was not sent to ${asked.missing}.`);
  }
}
