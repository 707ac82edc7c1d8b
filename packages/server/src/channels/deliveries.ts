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

/** What a delivery needs to know of the channels and polls. */
export interface Reach {
  /** How the node can be reached from here at this moment, if it can. */
  recipient(nodeId: string): Recipient | undefined;
  /** Sends committed offers to one node; what can't be sent any more is offered again after its lease. */
  send(to: Recipient, mail: readonly Mail[]): void;
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
    const due = await mailbox.due(to, mailPerRound);
    if (due.length === 0 || closed) return;
    const asked = new Set(due.map((mail) => mail.nodeId));
    const addressed = to.filter((recipient) => asked.has(recipient.nodeId));
    const cleared = Map.groupBy(await mailbox.offered(addressed, due), (mail) => mail.nodeId);
    for (const recipient of addressed) {
      const mail = cleared.get(recipient.nodeId);
      if (!mail) continue;
      reach.send(recipient, mail);
      if (mail.length >= mailPerRound) woken.add(recipient.nodeId);
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

  return {
    wake(nodeId) {
      if (closed) return;
      woken.add(nodeId);
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    async close() {
      closed = true;
      await running;
    },
  };
}
