/** The wire shapes of the audit trail's operation. */

/** Narrows the trail; what is left out doesn't narrow. */
export interface ListAuditRecordsInput {
  /** The caller's ARN. */
  readonly Principal?: string;
  /** `service:Operation`. */
  readonly Operation?: string;
  readonly Resource?: string;
  readonly Decision?: 'allow' | 'deny';
  /** Rows a page; 50 when left out. */
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** Newest first; `NextToken` only when there is more. */
export interface ListAuditRecordsOutput {
  readonly AuditRecords: readonly AuditRecord[];
  readonly NextToken?: string;
}

/** One change, or one minute's equal refusals. */
export interface AuditRecord {
  readonly AuditId: string;
  readonly Time: Date;
  readonly LastTime: Date;
  readonly Count: number;
  readonly Region: string;
  readonly Principal: string;
  readonly Operation: string;
  readonly Resource: string;
  readonly Decision: 'allow' | 'deny';
  readonly SourceAddress: string;
  readonly Code?: string;
  readonly Detail?: string;
}
