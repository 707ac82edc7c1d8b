/** What a command's journal says, put together: how far it came, and what the server hasn't been told yet. */
import type { JournalRecord } from './journal.ts';
import type { StepOutcome } from './replies.ts';

/** A reply as it was written down. */
export interface WrittenReply {
  readonly id: string;
  readonly at: number;
  readonly about: string;
  readonly content: string;
}

/** How far a command came. */
export interface History {
  /** Undefined when what is on disk was never a command that was taken. */
  readonly accepted: { readonly at: number; readonly jobId: string; readonly content: string } | undefined;
  readonly outcomes: Map<string, StepOutcome>;
  /** The step that was running, if one was. */
  readonly running: { readonly path: string; readonly at: number } | undefined;
  /** What ran for it. */
  readonly processes: readonly { readonly path: string; readonly pid: number; readonly started: string }[];
  readonly replies: readonly WrittenReply[];
  readonly acknowledged: ReadonlySet<string>;
  readonly rebooting: { readonly path: string; readonly at: number; readonly boot: string } | undefined;
  /** How often a step asked for a reboot. */
  readonly reboots: number;
  readonly cancelled: boolean;
  readonly remarks: readonly string[];
}

/** Reads a journal. */
export function historyOf(records: readonly JournalRecord[]): History {
  let accepted: History['accepted'];
  let running: History['running'];
  let rebooting: History['rebooting'];
  let reboots = 0;
  let cancelled = false;
  let processes: { path: string; pid: number; started: string }[] = [];
  const outcomes = new Map<string, StepOutcome>();
  const replies: WrittenReply[] = [];
  const acknowledged = new Set<string>();
  const remarks: string[] = [];
  for (const record of records) {
    switch (record.is) {
      case 'accepted':
        accepted ??= record;
        break;
      case 'started':
        running = record;
        rebooting = undefined;
        processes = [];
        break;
      case 'process':
        processes.push(record);
        break;
      case 'ended':
        outcomes.set(record.path, record.outcome);
        if (record.path === running?.path) running = undefined;
        if (record.path === rebooting?.path && record.outcome.status !== 'SuccessAndReboot')
          rebooting = undefined;
        break;
      case 'reply':
        replies.push(record);
        break;
      case 'acknowledged':
        acknowledged.add(record.id);
        break;
      case 'rebooting':
        rebooting = record;
        reboots += 1;
        break;
      case 'cancelled':
        cancelled = true;
        break;
      case 'remark':
        remarks.push(record.text);
        break;
    }
  }
  return {
    accepted,
    outcomes,
    running,
    processes,
    replies,
    acknowledged,
    rebooting,
    reboots,
    cancelled,
    remarks,
  };
}
