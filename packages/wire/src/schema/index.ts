/** Shapes as data, and what is compiled from them. */
export { compileReader, type ReadResult } from './read.ts';
export type { Member, Members, OperationShapes, Shape, StructureShape, ValueOf } from './shape.ts';
export { compileWriter } from './write.ts';
