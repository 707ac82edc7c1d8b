/** Opens the agent of a registered machine: checks that it may run, and lets it. */
import type { Clock } from './clock.ts';
import { loadConfig } from './config.ts';
import type { Looking } from './evidence/look.ts';
import { makeRoot } from './files.ts';
import { isRegistered, loadIdentity, NotRegisteredError } from './identity.ts';
import { lockRoot } from './lock.ts';
import type { Log } from './log.ts';
import { NodeAgent } from './node-agent.ts';
import type { AgentStatus } from './status.ts';

/** How an agent is opened. */
export interface AgentOptions {
  readonly root: string;
  readonly clock?: Clock;
  /** Standard error, at the level of the settings, unless given. */
  readonly log?: Log;
  /** Numbers from 0 up to 1. */
  readonly random?: () => number;
  /** The addresses of this machine, as one text; for tests. */
  readonly addresses?: () => string;
  /** Starts the machine again, when a command asks for it. Unless given, this agent can't. */
  readonly reboot?: () => Promise<void>;
  /** Looks at this machine, so that the server can be told. Unless given, it is told nothing. */
  readonly look?: Looking;
  /** What is another after each start of the machine; the system's own, unless given. */
  readonly bootId?: () => string;
}

/** A running agent. */
export interface Agent {
  readonly nodeId: string;
  /** The same as the status file says. */
  status(): AgentStatus;
  /** Stops: says good-bye on the channel, writes the last status, gives the folder free. */
  close(): Promise<void>;
}

/**
 * Opens the agent of a registered machine.
 * @throws NotRegisteredError, RootInUseError, ConfigError, DamagedFileError
 */
export function openAgent(options: AgentOptions): Agent {
  const { root } = options;
  makeRoot(root);
  const lock = lockRoot(root);
  try {
    const loaded = loadIdentity(root);
    if (!isRegistered(loaded?.identity)) throw new NotRegisteredError(root);
    const agent = new NodeAgent(options, loaded.identity, loadConfig(root), lock);
    if (loaded.generation === 'previous') agent.noteOldGeneration();
    return agent;
  } catch (error) {
    lock.release();
    throw error;
  }
}
