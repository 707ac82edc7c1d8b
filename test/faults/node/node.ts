/** A machine with our agent on it, as faults need it: whatever it lives in. */
import type { NodeEvidence } from '@rollcall/diagnosis';
import type { CollectOptions } from '@rollcall/probes';
import type { Forwarder } from '../middle/forwarder.ts';

/** How an agent is started. */
export interface StartOptions {
  /** Whether its being Online, with an open channel, is waited for; so unless told. */
  readonly online?: boolean;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whom it runs as; root unless told. */
  readonly user?: number;
}

/** How a machine is registered. */
export interface RegisterOptions {
  readonly region?: string;
  /** With this activation; a new one is made otherwise. */
  readonly activation?: { readonly ActivationId: string; readonly ActivationCode: string };
  /** Trusted besides the server's CA, or instead of it. PEM. */
  readonly ca?: string;
  readonly fingerprint?: string;
}

/** A machine. */
export interface Node {
  readonly name: string;
  /** Where the server sees it come from. */
  readonly address: string;
  /** The folder of its agent, as this process reaches it. */
  readonly root: string;
  /** The address under which it knows the server. */
  readonly serverUrl: string;
  /** Its way to the server. */
  readonly way: Forwarder;
  /** Its agent keeps no account of how it is: what the machine alone shows can't say that all is well. */
  readonly silent?: true;
  /** Known once it is registered. */
  readonly nodeId: string;
  register(options?: RegisterOptions): Promise<void>;
  start(options?: StartOptions): Promise<void>;
  /** Asks the agent to stop. */
  stop(): Promise<void>;
  /** Sends the agent a signal: `SIGKILL`, `SIGSTOP`. */
  signal(signal: NodeJS.Signals): void;
  /** Whether the agent's process is there. */
  running(): boolean;
  /** What the agent has logged. */
  log(): string;
  /** Looks at the machine, as the doctor does. */
  look(options?: CollectOptions): Promise<NodeEvidence>;
  close(): Promise<void>;
}
