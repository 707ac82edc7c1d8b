/** The agent's name and version, as it introduces itself. */
import { readFileSync } from 'node:fs';

/** What the list of nodes shows as the agent. */
export const agentName = 'rollcall-agent';

/** The version in the package's own manifest. */
export const agentVersion: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;
