/** What can be seen on a machine: reads and connects, changes nothing; evidence out. */
export type { NodeEvidence } from '@rollcall/diagnosis';
export { type CollectOptions, collectNode } from './collect.ts';
export type { Ran, Runner } from './machine/sight.ts';
export { redact } from './redact.ts';
export { collectScript } from './script.ts';
export { type SelfEvidence, type SelfOptions, selfCheck } from './self/self-check.ts';
export { showsTrouble, signOf } from './sign.ts';
