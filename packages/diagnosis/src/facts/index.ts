/** What follows from the evidence at once. */

export * from './facts.ts';
export { type Attempt, isCurrent } from './knocks.ts';
export { ownEvidence } from './others.ts';
export { type Fault, hostOf, type LayerName, layers, type Path, serves } from './path.ts';
export { compareVersions, isOlder } from './version.ts';
