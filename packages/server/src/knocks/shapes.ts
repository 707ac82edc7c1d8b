/** The wire shapes of the knocks' operation. */

/** Narrows the list; what is left out doesn't narrow. */
export interface ListKnocksInput {
  readonly Room?: 'known' | 'stranger';
  /** An address, or a line as the list shows it (`10.0.0.7/32`, `2001:db8:0:1::/64`). */
  readonly Source?: string;
  /** A node id, activation id or access key id. */
  readonly Claim?: string;
  readonly Reason?: string;
  readonly Region?: string;
  /** Only what was seen since. */
  readonly Since?: Date;
  /** Rows a page; 50 when left out. */
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** Newest first; `Total` counts all that match, `NextToken` is there only when there is more. */
export interface ListKnocksOutput {
  readonly Knocks: readonly KnockRecord[];
  readonly Total: number;
  readonly NextToken?: string;
}

/** Equal refused or broken connection attempts. */
export interface KnockRecord {
  readonly Room: 'known' | 'stranger';
  readonly Source: string;
  readonly Address: string;
  readonly Claim?: string;
  readonly Reason: string;
  readonly Layer: string;
  readonly Client: string;
  readonly FirstTime: Date;
  readonly LastTime: Date;
  readonly Count: number;
  readonly ServerName?: string;
  readonly Region?: string;
  readonly Detail?: string;
}
