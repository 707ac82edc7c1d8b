/**
 * Commands as the mail that channels carry: what is due to a node, the offers made, and what the node says. An
 * offer is written down before it is sent, by the server that holds the node's newest channel.
 */
import { sql } from 'kysely';
import type { Clock } from '../clock.ts';
import type { Presence } from '../presence/index.ts';
import { type Gathered, type ReadTx, rowsOf, type Store } from '../store/index.ts';
import type { CommandFacts, FactsBook } from './command-facts.ts';
import { cancelJobId, jobId, readJobId } from './ids.ts';
import { type LifeEvent, leaseTime } from './life.ts';
import { readReason, readReport } from './reply.ts';
import { type Happening, type SettleNews, settle } from './settle.ts';

/** A node that can be reached from this server now; `epoch` undefined when it polls. */
interface Recipient {
  readonly region: string;
  readonly nodeId: string;
  readonly epoch: number | undefined;
}

/** One job for one node. `attempt`: the offers made before, by which two servers can't make the same one. */
export interface CommandMail {
  readonly nodeId: string;
  readonly jobId: string;
  readonly topic: string;
  readonly content: string;
  readonly createdAt: number;
  readonly attempt: number;
}

/**
 * The official agent remembers ids for at least 30 minutes (3.3.0.0): a command is offered to it again only
 * while it still would know that it has run it.
 */
export const officialMemory = 25 * 60_000;
const officialAgent = 'amazon-ssm-agent';

/** What the mailbox needs. */
export interface MailboxDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly presence: Pick<Presence, 'view' | 'statusOf'>;
  readonly serverId: string;
  readonly book: FactsBook;
  readonly news: SettleNews;
}

interface DueRow {
  readonly region: string;
  readonly command_id: string;
  readonly node_id: string;
  readonly state: string;
  readonly attempt: number;
}

/** What is true of an invocation that may be offered to `item` now; `i`, `n` and `item` are in scope. */
function dueSql(now: number) {
  const at = sql`CAST(${now} AS BIGINT)`;
  const leaseOver = sql`(i.lease_until IS NULL OR i.lease_until <= ${at} OR i.epoch IS NULL OR i.epoch <> item.epoch)`;
  return sql`i.ended_at IS NULL AND (
    (i.state = 'released' AND i.deadline > ${at} AND COALESCE(i.not_before, 0) <= ${at})
    OR (i.state = 'offered' AND i.deadline > ${at} AND ${leaseOver})
    OR (i.state = 'cancelling' AND i.cancel_acked_at IS NULL AND ${leaseOver}))
    AND NOT (i.state <> 'cancelling' AND n.agent_name = ${officialAgent}
      AND COALESCE(i.first_offered_at, ${at}) < CAST(${now - officialMemory} AS BIGINT))`;
}

/** Opens the mailbox. */
export function openMailbox(deps: MailboxDeps) {
  const { store, clock, presence, serverId, book, news } = deps;

  const happenings: Gathered<Happening, boolean> = {
    name: 'commands.happen',
    write: (tx, items) => settle(tx, book, news, clock.now(), items),
  };

  /** Polls count only while no channel is open anywhere; channels are checked by their epoch. */
  async function reachable(tx: ReadTx, to: readonly Recipient[]): Promise<readonly Recipient[]> {
    const polling = to.filter((one) => one.epoch === undefined);
    if (polling.length === 0) return to;
    const rows = await tx.everywhere
      .selectFrom('presence')
      .selectAll()
      .where(
        'node_id',
        'in',
        polling.map((one) => one.nodeId),
      )
      .execute();
    const view = presence.view();
    const open = new Set(
      rows
        .filter((row) => presence.statusOf({ ...row, registered_at: 0 }, view).connected)
        .map((row) => row.node_id),
    );
    return to.filter((one) => one.epoch !== undefined || !open.has(one.nodeId));
  }

  async function say(from: Recipient, id: string, event: (cancels: boolean) => LifeEvent | undefined) {
    const name = readJobId(id);
    // A node speaks of its own commands only.
    if (!name || name.nodeId !== from.nodeId) return 'unknown' as const;
    const what = event(name.cancels);
    if (!what) return 'taken' as const;
    const { commandId, nodeId } = name;
    const known = await store.gather(happenings, { region: from.region, commandId, nodeId, event: what });
    return known ? ('taken' as const) : ('unknown' as const);
  }

  return {
    /** Hands in what happened, as a work of its own; answers whether the invocation exists. */
    happen: (happening: Happening) => store.gather(happenings, happening),

    async due(to: readonly Recipient[], limit: number): Promise<readonly CommandMail[]> {
      const now = clock.now();
      return store.read(async (tx) => {
        const reached = await reachable(tx, to);
        if (reached.length === 0) return [];
        const { rows } = await sql<DueRow>`
          SELECT i.region, i.command_id, i.node_id, i.state, i.attempt
          FROM ${recipientsSql(tx, reached)}
          JOIN invocations i ON i.region = item.region AND i.node_id = item.node_id AND i.ended_at IS NULL
          JOIN nodes n ON n.region = i.region AND n.node_id = i.node_id
          WHERE ${dueSql(now)}
          ORDER BY i.created_at, i.command_id
          LIMIT ${sql.lit(reached.length * limit)}`.execute(tx.everywhere);
        const facts = new Map<string, ReadonlyMap<string, CommandFacts>>();
        for (const [region, mine] of Map.groupBy(rows, (row) => row.region)) {
          facts.set(region, await book.find(tx, region, new Set(mine.map((row) => row.command_id))));
        }
        const perNode = new Map<string, number>();
        return rows.flatMap((row) => {
          const command = facts.get(row.region)?.get(row.command_id);
          const before = perNode.get(row.node_id) ?? 0;
          if (!command || before >= limit) return [];
          perNode.set(row.node_id, before + 1);
          return mailOf(row, command);
        });
      });
    },

    async offered(to: readonly Recipient[], mail: readonly CommandMail[]): Promise<readonly CommandMail[]> {
      const now = clock.now();
      const recipients = new Map(to.map((one) => [one.nodeId, one]));
      const items = mail.flatMap((one) => {
        const recipient = recipients.get(one.nodeId);
        const name = readJobId(one.jobId);
        if (!recipient || !name) return [];
        return {
          region: recipient.region,
          command_id: name.commandId,
          node_id: one.nodeId,
          cancels: name.cancels ? 1 : 0,
          attempt: one.attempt,
          epoch: recipient.epoch ?? 0,
          polls: recipient.epoch === undefined ? 1 : 0,
        };
      });
      items.sort((a, b) => (a.command_id + a.node_id < b.command_id + b.node_id ? -1 : 1));
      const taken = await store.write(async (tx) => {
        const { rows } = await sql<{ command_id: string; node_id: string; state: string }>`
          UPDATE invocations SET
            state = CASE item.cancels WHEN 1 THEN invocations.state ELSE 'offered' END,
            attempt = invocations.attempt + 1, epoch = item.epoch, not_before = NULL,
            lease_until = CAST(${now + leaseTime} AS BIGINT),
            first_offered_at = COALESCE(invocations.first_offered_at, CAST(${now} AS BIGINT))
          FROM ${rowsOf(tx, 'item', items, {
            region: 'text',
            command_id: 'text',
            node_id: 'text',
            cancels: 'bigint',
            attempt: 'bigint',
            epoch: 'bigint',
            polls: 'bigint',
          })}
          JOIN presence p ON p.region = item.region AND p.node_id = item.node_id
          WHERE invocations.region = item.region AND invocations.command_id = item.command_id
            AND invocations.node_id = item.node_id AND invocations.attempt = item.attempt
            AND invocations.ended_at IS NULL
            AND ((item.cancels = 0 AND invocations.state IN ('released', 'offered'))
              OR (item.cancels = 1 AND invocations.state = 'cancelling' AND invocations.cancel_acked_at IS NULL))
            AND (item.polls = 1 OR (p.epoch = item.epoch AND p.channel_server = ${serverId}))
          RETURNING invocations.command_id AS command_id, invocations.node_id AS node_id,
            invocations.state AS state`.execute(tx.everywhere);
        return rows;
      });
      const made = new Set(
        taken.map((row) =>
          row.state === 'cancelling'
            ? cancelJobId(row.command_id, row.node_id)
            : jobId(row.command_id, row.node_id),
        ),
      );
      return mail.filter((one) => made.has(one.jobId));
    },

    /** Nodes with a channel here for which something is due: the sweep for wake-ups that were lost. */
    async waiting(limit: number): Promise<readonly string[]> {
      const now = clock.now();
      const { rows } = await store.read((tx) =>
        sql<{ node_id: string }>`
          SELECT DISTINCT i.node_id AS node_id FROM invocations i
          JOIN presence item ON item.region = i.region AND item.node_id = i.node_id
          JOIN nodes n ON n.region = i.region AND n.node_id = i.node_id
          WHERE item.channel_server = ${serverId} AND item.closed_at IS NULL AND ${dueSql(now)}
          LIMIT ${sql.lit(limit)}`.execute(tx.everywhere),
      );
      return rows.map((row) => row.node_id);
    },

    answered(
      from: Recipient,
      answer: {
        readonly jobId: string;
        readonly verdict: 'accepted' | 'later' | 'refused';
        readonly reason: string;
      },
    ) {
      return say(from, answer.jobId, (cancels) => {
        const { verdict, reason } = answer;
        if (!cancels) return { kind: 'answered', verdict, reason: readReason(reason) };
        // Busy: the order is given again when its lease is over.
        return verdict === 'later' ? undefined : { kind: 'cancel-answered' };
      });
    },

    replied(from: Recipient, reply: { readonly jobId: string; readonly content: string }) {
      return say(from, reply.jobId, (cancels) => {
        if (cancels) return { kind: 'cancel-answered' };
        const report = readReport(reply.content);
        // What can't be read can't be kept, and would be sent again for hours if it weren't taken.
        return report && { kind: 'replied', report };
      });
    },
  };
}

function recipientsSql(tx: ReadTx, to: readonly Recipient[]) {
  const items = to.map(({ region, nodeId, epoch }) => ({ region, node_id: nodeId, epoch: epoch ?? 0 }));
  return rowsOf(tx, 'item', items, { region: 'text', node_id: 'text', epoch: 'bigint' });
}

function mailOf(row: DueRow, command: CommandFacts): CommandMail {
  const { node_id: nodeId, command_id: commandId, region, attempt } = row;
  const createdAt = command.createdAt;
  if (row.state !== 'cancelling') {
    const topic = `aws.ssm.sendCommand.${region}.${nodeId}`;
    return { nodeId, jobId: jobId(commandId, nodeId), topic, content: command.content, createdAt, attempt };
  }
  return {
    nodeId,
    jobId: cancelJobId(commandId, nodeId),
    topic: `aws.ssm.cancelCommand.${region}.${nodeId}`,
    content: JSON.stringify({ CancelMessageId: jobId(commandId, nodeId) }),
    createdAt,
    attempt,
  };
}
