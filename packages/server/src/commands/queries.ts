/** The SQL that more than one part of Run Command needs. */
import type { CommandsRow } from '../store/index.ts';

/** A command without its job: what lists show and counters need. */
export type CommandState = Omit<CommandsRow, 'asked' | 'steps' | 'content'>;

/** The columns of a {@link CommandState}. The job may be long, and stands last in the row. */
export const commandColumns = [
  'commands.region',
  'commands.command_id',
  'commands.created_at',
  'commands.requested_by',
  'commands.document_name',
  'commands.document_version',
  'commands.status',
  'commands.status_details',
  'commands.expires_at',
  'commands.timeout_seconds',
  'commands.execution_seconds',
  'commands.concurrency',
  'commands.error_limit',
  'commands.cancelled_at',
  'commands.target_count',
  'commands.queued_count',
  'commands.started_count',
  'commands.finished_count',
  'commands.success_count',
  'commands.error_count',
  'commands.delivery_timed_out_count',
  'commands.excluded_count',
] as const;
