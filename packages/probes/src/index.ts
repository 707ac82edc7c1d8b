/** What can be seen on a machine: reads and connects, changes nothing; evidence out. */
export type { NodeEvidence } from '@rollcall/diagnosis';
