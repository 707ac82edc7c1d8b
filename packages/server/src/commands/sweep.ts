/**
 * Deadlines, and what must not count toward them: time in which no server listened; and the end of what is old.
 * Every server of a store sweeps; who comes second finds nothing to do.
 */
import { readBlindTimes } from '../presence/index.ts';
import { deleteInSteps, type Store, type WriteTx } from '../store/index.ts';
import type { CommandsCore } from './core.ts';
import type { Happening } from './settle.ts';

/** Where it is written up to when blind time has been made good. */
const markName = 'commands.blind-until';
/** Invocations given up in one go. */
const mostAtOnce = 500;

/** Gives up what is overdue, having made blind time good; answers how many. */
export async function sweepDeadlines(
  core: CommandsCore,
  happen: (happening: Happening) => Promise<boolean>,
): Promise<number> {
  if (!(await forgiveBlindness(core))) return 0;
  for (let total = 0; ; ) {
    const overdue = await core.store.read((tx) =>
      tx.everywhere
        .selectFrom('invocations')
        .select(['region', 'command_id', 'node_id'])
        .where('deadline', '<=', core.clock.now())
        .where('ended_at', 'is', null)
        .limit(mostAtOnce)
        .execute(),
    );
    await Promise.all(
      overdue.map((row) =>
        happen({
          region: row.region,
          commandId: row.command_id,
          nodeId: row.node_id,
          event: { kind: 'expired' },
        }),
      ),
    );
    total += overdue.length;
    if (overdue.length < mostAtOnce) return total;
  }
}

/**
 * Moves the deadlines of everything alive on by the time since the last look in which no server listened. Answers
 * false while nobody can tell what time is lost: a stretch lasts still.
 */
async function forgiveBlindness(core: CommandsCore): Promise<boolean> {
  const suspected = core.presence.view().blind.at(-1);
  if (!suspected) return true;
  const seen = await core.store.read((tx) => readMark(tx));
  if (seen !== undefined && suspected.to <= seen) return true;
  return core.store.write(async (tx) => {
    // What is in memory may be seconds old, and another server may have listened meanwhile.
    const now = core.clock.now();
    const blind = await readBlindTimes(tx, now);
    const last = blind.at(-1);
    const before = await readMark(tx);
    if (!last || (before !== undefined && last.to <= before)) return true;
    if (last.to >= now) return false;
    await writeMark(tx, last.to, now, core.serverId);
    // Each is owed what was lost while it lived. Before the first mark that is every stretch: a server may have died
    // between its start and the mark, and the time before that start must not be forgotten.
    for (const { from, to } of blind) {
      const lost = to - Math.max(from, before ?? from);
      if (lost <= 0) continue;
      await tx.everywhere
        .updateTable('invocations')
        .set((row) => ({ deadline: row('deadline', '+', lost) }))
        .where('ended_at', 'is', null)
        .where('created_at', '<', to)
        .execute();
      await tx.everywhere
        .updateTable('commands')
        .set((row) => ({ expires_at: row('expires_at', '+', lost) }))
        .where('status', 'in', ['Pending', 'InProgress', 'Cancelling'])
        .where('created_at', '<', to)
        .execute();
    }
    return true;
  });
}

async function readMark(tx: Pick<WriteTx, 'everywhere'>): Promise<number | undefined> {
  const row = await tx.everywhere
    .selectFrom('settings')
    .select('value')
    .where('region', '=', '')
    .where('name', '=', markName)
    .executeTakeFirst();
  return row && Number(row.value);
}

async function writeMark(tx: WriteTx, until: number, now: number, by: string): Promise<void> {
  const row = { region: '', name: markName, value: String(until), changed_at: now, changed_by: by };
  await tx.everywhere
    .insertInto('settings')
    .values(row)
    .onConflict((conflict) => conflict.columns(['region', 'name']).doUpdateSet(row))
    .execute();
}

/** Deletes the commands that were sent before a time and are over, with all that is theirs, in small steps. */
export async function sweepCommands(store: Store, before: number): Promise<number> {
  for (let total = 0; ; ) {
    const old = await store.read((tx) =>
      tx.everywhere
        .selectFrom('commands')
        .select(['region', 'command_id'])
        .where('created_at', '<', before)
        .whereRef('finished_count', '>=', 'target_count')
        .limit(100)
        .execute(),
    );
    for (const { region, command_id } of old) {
      total += await deleteInSteps(store, 'invocations', (row) =>
        row.and([row('region', '=', region), row('command_id', '=', command_id)]),
      );
      // Last, so that a sweep that is interrupted finds the rest again.
      total += await deleteInSteps(store, 'commands', (row) =>
        row.and([row('region', '=', region), row('command_id', '=', command_id)]),
      );
    }
    if (old.length === 0) return total;
  }
}
