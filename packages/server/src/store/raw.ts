/** Prints `and` so that hand-written SQL on either side can't change what the other side means. */
import { type AndNode, type OperationNode, RawNode } from 'kysely';

/**
 * Kysely prints fragments made with the `sql` tag as they are. An `or` in one would reach around the
 * limit to a region that stands before it; so each gets parentheses.
 */
export function printAnd(
  node: AndNode,
  append: (text: string) => void,
  visit: (node: OperationNode) => void,
): void {
  const print = (side: OperationNode) => {
    if (!RawNode.is(side)) return visit(side);
    append('(');
    visit(side);
    append(')');
  };
  print(node.left);
  append(' and ');
  print(node.right);
}
