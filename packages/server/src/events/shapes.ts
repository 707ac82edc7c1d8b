/** The wire shapes of the events' operation. */

/** Narrows the list; what is left out doesn't narrow. */
export interface ListEventsInput {
  readonly Kind?: string;
  readonly Subject?: string;
  /** Rows a page; 50 when left out. */
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** Newest first; `NextToken` only when there is more. */
export interface ListEventsOutput {
  readonly Events: readonly EventRecord[];
  readonly NextToken?: string;
}

/** Something that happened by itself. */
export interface EventRecord {
  readonly EventId: string;
  readonly Time: Date;
  readonly Region: string;
  readonly Kind: string;
  readonly Subject: string;
  readonly Detail: string;
}
