/**
 * What `channels` needs from whoever has something durable to say to a node: commands, associations,
 * updates. This folder only carries; states, leases and deadlines are the mailbox's own business.
 */

/** A node that can be reached from this server at this moment. */
export interface Recipient {
  readonly region: string;
  readonly nodeId: string;
  /**
   * The epoch of the control channel that the node is reached by; `undefined` when it polls. Only the
   * newest epoch may be offered anything, and a poll only while no channel is open anywhere.
   */
  readonly epoch: number | undefined;
}

/** One job for one node, as the agent reads it. */
export interface Mail {
  readonly nodeId: string;
  /** `aws.ssm.COMMAND.NODE`: the agent takes the command's id from between the last two dots. */
  readonly jobId: string;
  /** `aws.ssm.sendCommand.REGION.NODE` or `aws.ssm.cancelCommand.REGION.NODE`. */
  readonly topic: string;
  /** The job itself: JSON, as text. */
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** How often it was offered before: only one server can make the next offer. */
  readonly attempt: number;
}

/** What an agent said to an offer. */
export interface Answer {
  readonly jobId: string;
  /** `accepted`: it runs or ran; `later`: full or stopping, offer it again; `refused`: it never will. */
  readonly verdict: 'accepted' | 'later' | 'refused';
  /** The agent's own words, e.g. `51402 ProcessorBufferFull`. */
  readonly reason: string;
}

/** What an agent reports of a job. */
export interface Reply {
  readonly jobId: string;
  /** The agent's id for this reply: the same when it is sent again. */
  readonly replyId: string;
  /** The report: JSON, as text, not read here. */
  readonly content: string;
}

/** Whether the mailbox knew the job. What it doesn't know is never acknowledged to the agent. */
export type Taken = 'taken' | 'unknown';

/**
 * Durable mail. Every function resolves once what it says is on disk, and rejects when it could not be
 * put there; the channel is then closed, so that the agent says it again.
 */
export interface Mailbox {
  /** What is to be offered to these nodes now, at most `limit` for each. Changes nothing. */
  due(to: readonly Recipient[], limit: number): Promise<readonly Mail[]>;
  /**
   * Records that these jobs are about to be sent (attempt, lease, epoch). Resolves with those that may
   * be: what another server took, or what a newer epoch owns, is left out.
   */
  offered(to: readonly Recipient[], mail: readonly Mail[]): Promise<readonly Mail[]>;
  /**
   * Nodes with a control channel on this server for which something is due, at most `limit`: for wake-ups that
   * were lost, and leases that ran out. Changes nothing.
   */
  waiting(limit: number): Promise<readonly string[]>;
  /** Takes the answer of a node to an offer. */
  answered(from: Recipient, answer: Answer): Promise<Taken>;
  /** Takes a reply; from any authenticated channel of that node, in any order, any number of times. */
  replied(from: Recipient, reply: Reply): Promise<Taken>;
}

/** A mailbox that nobody has put anything into: what is served until something is. */
export const emptyMailbox: Mailbox = {
  due: async () => [],
  offered: async () => [],
  waiting: async () => [],
  answered: async () => 'unknown',
  replied: async () => 'unknown',
};
