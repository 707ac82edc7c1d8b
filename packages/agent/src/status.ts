/** What an agent says about itself to others on its machine, in a file that everybody may read. No secrets. */
import { join } from 'node:path';
import type { Clock } from './clock.ts';
import { fileNames, readText, writeAtomic } from './files.ts';

/**
 * `starting`: nothing is known yet · `connected`: the control channel is open · `polling`: it can't be opened,
 * messages are polled for instead · `waiting`: the server can't be reached · `refused`: the server can be
 * reached, and doesn't want this node · `stopped`.
 */
export type AgentState = 'starting' | 'connected' | 'polling' | 'waiting' | 'refused' | 'stopped';

/** The content of the status file. All times are ISO 8601. */
export interface AgentStatus {
  readonly state: AgentState;
  readonly nodeId: string;
  readonly serverUrl: string;
  readonly region: string;
  readonly pid: number;
  readonly agentVersion: string;
  readonly startedAt: string;
  /** When this was written. */
  readonly at: string;
  readonly periodSeconds: number;
  /** Without its password. */
  readonly proxy?: string;
  /** SHA-256 fingerprints of the certificates the server is trusted by; absent: the system's. */
  readonly trusts?: readonly string[];
  /** How far this machine's clock is ahead of the server's, when it is off by more than a minute. */
  readonly clockAheadSeconds?: number;
  readonly lastHeartbeat?: { readonly at: string; readonly ok: boolean; readonly error?: string };
  readonly channelOpenSince?: string;
  /** Commands that run and that wait to; absent when there are none. */
  readonly commands?: { readonly running: number; readonly queued: number };
  /** What is tried next, when, and why then. */
  readonly nextAttempt?: {
    readonly at: string;
    readonly what: 'heartbeat' | 'channel';
    readonly reason: string;
  };
  /** What the server was last told of this machine, by its sign; and when it was told. */
  readonly evidence?: { readonly at: string; readonly sign: string };
  /** The latest failures, newest last. */
  readonly lastErrors: readonly { readonly at: string; readonly what: string; readonly message: string }[];
}

/** The status as the agent last wrote it; undefined when there is none or it can't be read. */
export function readStatus(root: string): AgentStatus | undefined {
  try {
    const text = readText(join(root, fileNames.status));
    return text === undefined ? undefined : (JSON.parse(text) as AgentStatus);
  } catch {
    return undefined;
  }
}

/** A status that is kept up to date on disk. */
export interface StatusFile {
  current(): AgentStatus;
  /** Changes some members; `undefined` removes one. */
  change(changes: { [Member in keyof AgentStatus]?: AgentStatus[Member] | undefined }): void;
  failed(what: string, message: string): void;
}

const errorsKept = 10;

/** Opens the status file. It may be lost in a power cut, and the agent works on when the disk is full. */
export function openStatusFile(
  root: string,
  clock: Clock,
  begin: Omit<AgentStatus, 'at' | 'startedAt' | 'lastErrors'>,
  unwritable: (error: Error) => void,
): StatusFile {
  const path = join(root, fileNames.status);
  const iso = () => new Date(clock.now()).toISOString();
  let status: AgentStatus = { ...begin, startedAt: iso(), at: iso(), lastErrors: [] };
  const write = () => {
    try {
      writeAtomic(path, `${JSON.stringify(status, null, 2)}\n`, 0o644, false);
    } catch (error) {
      unwritable(error as Error);
    }
  };
  const change: StatusFile['change'] = (changes) => {
    status = { ...status, ...changes, at: iso() } as AgentStatus;
    write();
  };
  write();
  return {
    current: () => status,
    change,
    failed: (what, message) =>
      change({ lastErrors: [...status.lastErrors, { at: iso(), what, message }].slice(-errorsKept) }),
  };
}
