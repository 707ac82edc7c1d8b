/**
 * What a server is started with, and the one error that a start may end with: a sentence that says what to do.
 */

/** Everything that `rollcall up` decides. */
export interface UpOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** How others reach it, without trailing slashes; empty means `https://localhost:PORT`. */
  readonly publicUrls: readonly string[];
  /** An absolute path. */
  readonly data: string;
  /** At least one; the first is the default. */
  readonly regions: readonly string[];
  /** Twelve digits. */
  readonly account: string;
  readonly domain?: string;
  readonly store: { readonly kind: 'sqlite' } | { readonly kind: 'postgres'; readonly url: string };
  /** Absolute paths; both or neither. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly metrics: { readonly host: string; readonly port: number } | 'off';
  /** CIDRs whose PROXY protocol header is believed. */
  readonly proxyProtocol: readonly string[];
  readonly logLevel: string;
  /** Make a successor to our CA, hand it out, and let it serve once every node has it. */
  readonly successorCa: boolean;
  /** Start although so many nodes would be cut off. */
  readonly cutOffNodes?: number;
}

/** The server can't start, for a reason that its operator can mend. The message is one line. */
export class StartupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartupError';
  }
}
