/** Evidence in, verdict out: why a machine is, or isn't, in the list of managed nodes. Pure. */
export { type Cause, type CauseTexts, causeOf, causes } from './causes/index.ts';
export { type BlockProblem, readCollected } from './collected/index.ts';
export type * from './evidence/index.ts';
export { type CheckResult, check, judge } from './judge.ts';
export * from './render/index.ts';
export { verdictSchema } from './schema.ts';
export type { Language } from './texts/index.ts';
export * from './verdict.ts';
