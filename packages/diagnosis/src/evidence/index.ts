/** Evidence of four sides: the node, the door, the records, the request; and of the fleet around. */
export type * from './node.ts';
export type * from './server.ts';
