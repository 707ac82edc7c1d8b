/** Shapes as data. */
export * from './shape.ts';
