/**
 * How the server says no. A refusal carries what the caller may read, what only the log may hold, and
 * what the door remembers of it. Anything thrown that is not a Refusal is a bug: 500 with an id.
 */

/** Why a knock ended; one word per layer and cause, folded and counted by it. */
export type KnockReason = string;

/** What a refusal leaves behind at the door. */
export interface KnockNote {
  /** Kebab-case reason, e.g. `signature-mismatch`, `activation-expired`, `unknown-node`. */
  readonly reason: KnockReason;
  /** Who the caller claimed to be: a node id, an activation id or an access key id. Never a secret. */
  readonly claim?: string;
  /** Detail that helps to tell the cause, e.g. `skew=-412s`. Never a secret. */
  readonly detail?: string;
}

/** An answer in AWS's words that refuses the request. */
export class Refusal extends Error {
  /** The modelled error code, e.g. `InvalidInstanceId`. */
  readonly code: string;
  /** The HTTP status, 4xx. */
  readonly status: number;
  /** For the log only. */
  readonly detail: string | undefined;
  /** What the door should remember, when this refusal is one of identity. */
  readonly knock: KnockNote | undefined;

  constructor(
    code: string,
    message: string,
    options: { status?: number; detail?: string; knock?: KnockNote } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.status = options.status ?? 400;
    this.detail = options.detail;
    this.knock = options.knock;
  }
}
