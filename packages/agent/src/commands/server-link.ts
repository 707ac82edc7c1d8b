/** Calls to the server while a command runs: each visit has a connection of its own, beside the agent's others. */
import type { Calls, NodeCredentials } from '../calls.ts';
import type { Credentials } from '../credentials.ts';
import type { Visit } from '../visit.ts';

/** The way to the server. */
export interface ServerLink {
  readonly calls: Calls;
  readonly credentials: Credentials;
  readonly openVisit: () => Visit;
}

/** Makes calls, one after the other, over one connection. */
export type Caller = <T>(call: (visit: Visit, credentials: NodeCredentials) => Promise<T>) => Promise<T>;

/** Opens a visit for some calls and closes it behind them. */
export async function callServer<T>(link: ServerLink, work: (ask: Caller) => Promise<T>): Promise<T> {
  const visit = link.openVisit();
  try {
    return await work((call) => link.credentials.use(visit, (credentials) => call(visit, credentials)));
  } finally {
    visit.close();
  }
}
