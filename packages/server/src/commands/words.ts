/** AWS's words for where an invocation stands, and for a whole command: `Status` and `StatusDetails`. */
import type { CommandInvocationStatus, CommandPluginStatus, CommandStatus } from '@aws-sdk/client-ssm';
import type { CommandsRow } from '../store/index.ts';
import type { InvocationState } from './life.ts';

/** The two words for one invocation. */
export interface InvocationWords {
  readonly status: CommandInvocationStatus;
  readonly details: string;
}

/** What lists and waiters are told. `reachable`: whether a channel to the node is open. */
export function invocationWords(state: InvocationState, reachable = true): InvocationWords {
  switch (state) {
    case 'queued':
      return { status: 'Pending', details: 'Pending' };
    case 'released':
    case 'offered':
      return reachable
        ? { status: 'Pending', details: 'Pending' }
        : { status: 'Delayed', details: 'Delayed' };
    case 'accepted':
    case 'running':
      return { status: 'InProgress', details: 'InProgress' };
    case 'cancelling':
      return { status: 'Cancelling', details: 'Cancelling' };
    case 'Success':
    case 'Failed':
    case 'Cancelled':
      return { status: state, details: state };
    case 'ExecutionTimedOut':
    case 'DeliveryTimedOut':
      return { status: 'TimedOut', details: state };
    case 'Terminated':
      return { status: 'Cancelled', details: state };
    case 'Undeliverable':
    case 'InvalidPlatform':
    case 'AccessDenied':
      return { status: 'Failed', details: state };
  }
}

/** The states that a status, or its details, stands for: to filter lists by. Undefined: no such word. */
export function statesOf(status: string): readonly InvocationState[] | undefined {
  switch (status) {
    // Delayed is told from Pending by whether the node can be reached, which changes by itself.
    case 'Pending':
    case 'Delayed':
      return ['queued', 'released', 'offered'];
    case 'InProgress':
      return ['accepted', 'running'];
    case 'Success':
      return ['Success'];
    case 'Cancelled':
      return ['Cancelled', 'Terminated'];
    case 'Failed':
      return ['Failed', 'Undeliverable', 'InvalidPlatform', 'AccessDenied'];
    case 'TimedOut':
      return ['ExecutionTimedOut', 'DeliveryTimedOut'];
    case 'Cancelling':
      return ['cancelling'];
    case 'AccessDenied':
    case 'DeliveryTimedOut':
    case 'ExecutionTimedOut':
    case 'InvalidPlatform':
    case 'Terminated':
    case 'Undeliverable':
      return [status];
    default:
      return undefined;
  }
}

/** The status of a step: of the words that agents use, those that the API has. */
export function stepStatus(status: string): CommandPluginStatus {
  switch (status) {
    case 'Success':
    case 'Skipped':
    case 'PassedAndReboot':
      return 'Success';
    case 'Failed':
    case 'TimedOut':
    case 'Cancelled':
      return status;
    case 'NotStarted':
      return 'Pending';
    default:
      return 'InProgress';
  }
}

/** What of a command's row decides how it stands. */
export type CommandCounts = Pick<
  CommandsRow,
  | 'target_count'
  | 'started_count'
  | 'finished_count'
  | 'success_count'
  | 'error_count'
  | 'delivery_timed_out_count'
  | 'excluded_count'
  | 'error_limit'
  | 'cancelled_at'
>;

/** The two words for a command. */
export interface CommandWords {
  readonly status: CommandStatus;
  readonly details: string;
}

/**
 * How a command stands, by its counters. Invocations that were never tried (wrong platform, not allowed, not
 * there) count for nothing unless all are such: then it failed. "MaxErrors or more" errors make it `Failed`,
 * fewer make it `Incomplete`; so AWS's guide has it.
 */
export function commandWords(counts: CommandCounts): CommandWords {
  const { target_count: targets, finished_count: finished, excluded_count: excluded } = counts;
  if (targets === 0) return { status: 'Success', details: 'NoInstancesInTag' };
  if (finished < targets) {
    if (counts.cancelled_at !== null) return { status: 'Cancelling', details: 'Cancelling' };
    return counts.started_count + finished > excluded
      ? { status: 'InProgress', details: 'InProgress' }
      : { status: 'Pending', details: 'Pending' };
  }
  if (excluded === targets) return { status: 'Failed', details: 'Failed' };
  if (counts.cancelled_at !== null) return { status: 'Cancelled', details: 'Cancelled' };
  const most = Math.max(1, counts.error_limit);
  if (counts.error_count >= most) return { status: 'Failed', details: 'Failed' };
  if (counts.delivery_timed_out_count >= most) return { status: 'TimedOut', details: 'DeliveryTimedOut' };
  if (counts.success_count + excluded === targets) return { status: 'Success', details: 'Success' };
  return { status: 'Failed', details: 'Incomplete' };
}

/** The status of a command whose details are another word than its status; undefined for any other word. */
export function statusOfDetails(details: string): CommandStatus | undefined {
  switch (details) {
    case 'NoInstancesInTag':
      return 'Success';
    case 'DeliveryTimedOut':
      return 'TimedOut';
    case 'Incomplete':
      return 'Failed';
    default:
      return undefined;
  }
}
