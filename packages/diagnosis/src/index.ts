/** Evidence in, verdict out: why a machine is, or isn't, in the list of managed nodes. Pure. */
export type * from './evidence/index.ts';
export * from './verdict.ts';
