/** SSM command documents: reading, checking, substituting. Pure: no input or output. */
export type * from './document.ts';
