/** Tells hand-written SQL in a query from what Kysely's builders made. */
import { AliasNode, type OperationNode, RawNode } from 'kysely';

/** True for a fragment written with the `sql` tag, which is printed as it is, without parentheses. */
export function isRaw(node: OperationNode): boolean {
  return RawNode.is(node) || (AliasNode.is(node) && RawNode.is(node.node));
}
