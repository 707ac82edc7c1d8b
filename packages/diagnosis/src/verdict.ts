/**
 * The verdict record: one, versioned, everywhere. Its JSON form is the same in the doctor's `--json`, the API and
 * the console.
 */

/** The gates, in order. The first that fails is the cause; what is behind it wasn't tried. */
export const gates = ['scope', 'machine', 'agent', 'identity', 'path', 'authorization', 'freshness'] as const;
export type Gate = (typeof gates)[number];

/** What a check found. */
export type GateState = 'passed' | 'failed' | 'warned' | 'unknown' | 'not-tried';

/** Where evidence came from. */
export type Side = 'node' | 'door' | 'records' | 'request';

/** One observed fact. `value` is untrusted text where it came from outside. */
export interface Observation {
  readonly side: Side;
  /** What was looked at: `agent log`, `knocks`, `/etc/resolv.conf`. */
  readonly source: string;
  readonly field: string;
  readonly value: string;
  /** When, by the clock of that side. */
  readonly at?: number;
}

/** A cause's id: kebab-case, the same everywhere. */
export type CauseId = string;

/** How sure a verdict is. Only signatures, right codes and the node's own evidence prove. */
export type Confidence = 'proven' | 'likely' | 'unknown';

/** Three answers to three questions. */
export type Answer = 'yes' | 'no' | 'unknown';

/** A fix: `argv` from a template, run without a shell. */
export interface Fix {
  readonly risk: 'safe' | 'guarded' | 'manual';
  /** Commands in order; empty for what is only explained (and never `safe` then). */
  readonly commands: readonly { readonly argv: readonly string[]; readonly where: 'node' | 'operator' }[];
  /** Slots of the sentence that says what changes and whom it touches, counted. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly undo?: readonly { readonly argv: readonly string[]; readonly where: 'node' | 'operator' }[];
  /** The gate that must pass afterwards, and within how many seconds. */
  readonly check: Gate;
  readonly withinSeconds?: number;
}

/** What was found out. */
export interface Verdict {
  readonly version: 1;
  readonly at: number;
  readonly subject: {
    readonly asked: string;
    readonly nodeId?: string;
    readonly name?: string;
    /** Which agent, with its version: `amazon-ssm-agent 3.3.987.0`. */
    readonly agent?: string;
  };
  readonly asked: { readonly region: string; readonly document?: string };
  /** `pending`: too young to be judged, and nothing was refused. */
  readonly state: 'well' | 'ill' | 'pending' | 'unclear';
  readonly answers: { readonly listed: Answer; readonly pickable: Answer; readonly working: Answer };
  readonly gates: readonly {
    readonly gate: Gate;
    readonly state: GateState;
    /** What was seen, as a text of the catalogue with its parameters. */
    readonly text?: string;
    readonly parameters?: Readonly<Record<string, string>>;
  }[];
  /** How the node stands in the list, for the words of the first answer; absent where nobody knows. */
  readonly standing?: {
    readonly is: 'online' | 'lost' | 'hidden' | 'deregistered' | 'elsewhere' | 'absent';
    readonly since?: number;
    readonly region?: string;
    readonly lastHeartbeatAt?: number;
    readonly channelOpenSince?: number;
  };
  readonly cause?: CauseId;
  readonly solution: 1 | 2 | 3 | 4 | 5 | 6 | 7 | null;
  readonly confidence: Confidence;
  /** Why it isn't proven: an id of the texts (`unknown-before`, `only-claimed`, `only-address`, …). */
  readonly doubt?: string;
  /** Slots of the cause's sentence. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly evidence: readonly Observation[];
  readonly ruledOut: readonly CauseId[];
  /** What to look at next, when it isn't known. */
  readonly next?: readonly string[];
  readonly fix?: Fix;
  /** When the agent tries again by itself. */
  readonly nextAttempt?: { readonly from: number; readonly to?: number };
  /** At most three, after the verdict; they never colour it. */
  readonly warnings: readonly {
    readonly cause: CauseId;
    readonly parameters: Readonly<Record<string, string>>;
  }[];
  /** When its own agent last looked at the machine, by the judge's clock, and whether that counts as now. */
  readonly inside?: { readonly at: number; readonly ofNow: boolean };
  readonly docs: string;
}
