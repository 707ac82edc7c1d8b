/**
 * Brings mail from the mailbox to the nodes that are reachable here. Wake-ups are gathered while one
 * round is under way, so that a command to thousands of nodes asks the mailbox a few times, not thousands.
 */
import type { ChannelLog } from './log.ts';
import type { Mail, Mailbox, Recipient } from './mailbox.ts';

/** Jobs that are offered to one node at a time: what the official agent takes before it says it is full. */
export const mailPerRound = 10;

/** Nodes that the mailbox is asked about at a time. */
const nodesPerRound = 500;

/**
 * Characters of jobs that one node is sent at a time, or a single longer job: far less than what may wait in a
 * socket's buffer, however many bytes they become in frames.
 */
const charactersPerRound = 200_000;

/** What a delivery needs to know of the channels and polls. */
export interface Reach {
  /** How the node can be reached from here at this moment, if it can. */
  recipient(nodeId: string): Recipient | undefined;
  /**
   * Sends committed offers to one node; what can't be sent any more is offered again after its lease. Resolves
   * when there is room for more.
   */
  send(to: Recipient, mail: readonly Mail[]): Promise<void>;
}

/** The rounds of delivery of this server. */
export interface Deliveries {
  /** Asks for this node's mail soon. */
  wake(nodeId: string): void;
  /** Stops, once the round that is under way has ended. */
  close(): Promise<void>;
}

/** Begins to deliver. */
export function openDeliveries(mailbox: Mailbox, reach: Reach, log: ChannelLog): Deliveries {
  const woken = new Set<string>();
  let closed = false;
  let running: Promise<void> | undefined;

  const nextRound = (): Recipient[] => {
    const to: Recipient[] = [];
    for (const nodeId of woken) {
      woken.delete(nodeId);
      const recipient = reach.recipient(nodeId);
      if (recipient) to.push(recipient);
      if (to.length === nodesPerRound) break;
    }
    return to;
  };

  const round = async (to: readonly Recipient[]): Promise<void> => {
    const due = Map.groupBy(await mailbox.due(to, mailPerRound), (mail) => mail.nodeId);
    if (due.size === 0 || closed) return;
    const addressed = to.filter((recipient) => due.has(recipient.nodeId));
    const fitting = addressed.flatMap(({ nodeId }) => whatFits(due.get(nodeId) ?? []));
    const cleared = Map.groupBy(await mailbox.offered(addressed, fitting), (mail) => mail.nodeId);
    for (const recipient of addressed) {
      const { nodeId } = recipient;
      const mail = cleared.get(nodeId);
      if (!mail) continue;
      const all = due.get(nodeId) ?? [];
      const isMore = all.length >= mailPerRound || all.length > mail.length;
      void reach.send(recipient, mail).then(
        // Not before they are on their way: a channel that is given more than it takes is cut.
        () => isMore && wake(nodeId),
        (error) => log.warn({ err: error, node: nodeId }, 'could not send mail; it is sent again'),
      );
    }
  };

  const run = async (): Promise<void> => {
    // A turn of the event loop lets the wake-ups of one commit come together.
    await new Promise(setImmediate);
    while (woken.size > 0 && !closed) {
      const to = nextRound();
      if (to.length === 0) continue;
      try {
        await round(to);
      } catch (error) {
        log.warn({ err: error, nodes: to.length }, 'could not ask for mail; the next sweep will');
      }
    }
  };

  function wake(nodeId: string): void {
    if (closed) return;
    woken.add(nodeId);
    running ??= run().finally(() => {
      running = undefined;
    });
  }

  return {
    wake,
    async close() {
      closed = true;
      await running;
    },
  };
}

/** The first jobs of a node, as many as it is sent at a time. */
function whatFits(mail: readonly Mail[]): readonly Mail[] {
  let room = charactersPerRound;
  const beyond = mail.findIndex(({ content }, index) => {
    room -= content.length;
    return room < 0 && index > 0;
  });
  return beyond === -1 ? mail : mail.slice(0, beyond);
}
