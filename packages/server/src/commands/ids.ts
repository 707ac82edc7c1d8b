/**
 * The ids of jobs: what the agent files a command under, and how the job that cancels it is told apart. Agents
 * want a fresh id for a cancellation; ours is the command's own with another version digit, so that no table is
 * needed to find the one from the other.
 */

const prefix = 'aws.ssm.';

/** The shape of ids that we make: a random UUID (version 4). */
const ours = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const version = 14;

/** A job's id, taken apart. */
export interface JobName {
  readonly commandId: string;
  readonly nodeId: string;
  /** The job that cancels the command, instead of the command itself. */
  readonly cancels: boolean;
}

/** The id under which a node gets a command. */
export function jobId(commandId: string, nodeId: string): string {
  return `${prefix}${commandId}.${nodeId}`;
}

/** The id under which a node gets the order to cancel it: a UUID of version 8, which is free for own use. */
export function cancelJobId(commandId: string, nodeId: string): string {
  return jobId(`${commandId.slice(0, version)}8${commandId.slice(version + 1)}`, nodeId);
}

/** Reads a job's id as an agent gives it back; undefined when we never made one like it. */
export function readJobId(text: string): JobName | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const dot = text.lastIndexOf('.');
  const id = text.slice(prefix.length, dot);
  const cancels = id.charAt(version) === '8';
  const commandId = cancels ? `${id.slice(0, version)}4${id.slice(version + 1)}` : id;
  return ours.test(commandId) ? { commandId, nodeId: text.slice(dot + 1), cancels } : undefined;
}
