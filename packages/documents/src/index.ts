/** SSM command documents: reading, checking, substituting. Pure: no input or output. */
export { actions } from './actions.ts';
export { type BuiltInDocument, builtInDocuments } from './built-in.ts';
export type * from './document.ts';
export { documentHash } from './hash.ts';
export { isParameterName, isStepId, isStepName } from './names.ts';
export { executionSecondsOf, platformTypes, platformTypesOf } from './platforms.ts';
export { checkPrecondition, type PreconditionAnswer } from './precondition.ts';
export { problemsText } from './problems.ts';
export { documentFrom, readDocument, writeYaml } from './read.ts';
export { parameterStoreReferences } from './references.ts';
export { stepsWith, substitute } from './substitute.ts';
export { readParameters } from './values.ts';
