/** Operations that no public SDK knows: the agents' and our own. */
export * from './agent.ts';
export * from './rollcall.ts';
export * from './roster.ts';
export * from './verdicts.ts';
