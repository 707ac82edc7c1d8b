/** What can be seen on a machine: reads and connects, changes nothing; evidence out. */
export type { NodeEvidence } from '@rollcall/diagnosis';
export { type CollectOptions, collectNode } from './collect.ts';
export type { Ran, Runner } from './machine/sight.ts';
