/**
 * Notices when many nodes lose their channels at once. Then the fault is near us (a switch, a proxy, our
 * own network), and it would be wrong to call them lost before their heartbeats say so.
 */
import type { MassLoss } from './status.ts';

/** Closings within this time count as "at once". */
export const massLossWindow = 60_000;
/** More than this part of the nodes that had channels. */
export const massLossShare = 0.2;
/** And at least this many: one of three isn't a pattern. */
export const massLossLeast = 5;

/** Watches the closings on one server. */
export class MassLossWatch {
  /** Nodes whose channels are open here, with the epochs of those. */
  readonly #open = new Map<string, number>();
  /** Nodes that lost theirs within the window, with the time. */
  readonly #lost = new Map<string, number>();
  /** How many are in both: lost, and open again. */
  #back = 0;
  #current: { from: number; to: number } | undefined;
  #latest = 0;

  opened(nodeId: string, epoch: number): void {
    if (!this.#open.has(nodeId) && this.#lost.has(nodeId)) this.#back++;
    this.#open.set(nodeId, epoch);
  }

  /** The channel ended for a reason that isn't the node's, or another took its place, maybe elsewhere. */
  released(nodeId: string, epoch: number): void {
    if (this.#open.get(nodeId) !== epoch) return;
    this.#open.delete(nodeId);
    if (this.#lost.has(nodeId)) this.#back--;
  }

  /**
   * The node's side ended the channel. Answers the mass loss that this makes or prolongs, `fresh` when it
   * is a new one; nothing when it is a single loss, or one that is covered already.
   */
  lost(
    nodeId: string,
    epoch: number,
    at: number,
  ): (MassLoss & { fresh: boolean; nodes: number }) | undefined {
    if (at < this.#latest - massLossWindow) this.#startAnew();
    this.#latest = at;
    this.#forget(at - massLossWindow);
    this.released(nodeId, epoch);
    this.#lost.delete(nodeId);
    this.#lost.set(nodeId, at);
    const before = this.#lost.size + this.#open.size - this.#back;
    const nodes = this.#lost.size;
    if (nodes < massLossLeast || nodes <= before * massLossShare) return undefined;
    // The next half minute is covered already: saying so again for each node would be a write per node.
    if (this.#current && at < this.#current.to - massLossWindow / 2) return undefined;
    const first = this.#lost.values().next().value ?? at;
    const fresh = !this.#current || first > this.#current.to;
    const from = fresh || !this.#current ? first : this.#current.from;
    this.#current = { from, to: at + massLossWindow };
    return { ...this.#current, fresh, nodes };
  }

  /** The clock was set back: what was noted by it would be recent until that time has come again. */
  #startAnew(): void {
    this.#lost.clear();
    this.#back = 0;
    this.#current = undefined;
  }

  /** The map is in the order of the closings. */
  #forget(before: number): void {
    for (const [nodeId, at] of this.#lost) {
      if (at >= before) return;
      this.#lost.delete(nodeId);
      if (this.#open.has(nodeId)) this.#back--;
    }
  }
}
