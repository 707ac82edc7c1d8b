/** Rollcall's own node agent: registering, running, and what can be learnt about it. */
export { type Agent, type AgentOptions, openAgent } from './agent.ts';
export type { Clock, Timer } from './clock.ts';
export { type AgentConfig, ConfigError, loadConfig, saveConfig } from './config.ts';
export { ConnectionError, type FailureLayer, ServerRefusal } from './failures.ts';
export { DamagedFileError, defaultRoot } from './files.ts';
export { followServer } from './follow.ts';
export { NotRegisteredError } from './identity.ts';
export { leave } from './leave.ts';
export { RootInUseError } from './lock.ts';
export { type Log, type LogLevel, openLog } from './log.ts';
export {
  type Preflight,
  type PreflightOptions,
  type PreflightResult,
  type PreflightStep,
  preflight,
} from './preflight.ts';
export { type AgentProcess, type AgentProcessOptions, agentProcess, warmAgentCache } from './process.ts';
export { RegisteredElsewhereError, type RegisterOptions, type Registration, register } from './register.ts';
export { askStanding, readStanding, type Standing } from './standing.ts';
export { type AgentState, type AgentStatus, readStatus } from './status.ts';
export { agentName, agentVersion } from './version.ts';
