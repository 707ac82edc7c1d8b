/**
 * Nodes on which a command ended in the same way, with the same output, are one group: what a thousand nodes
 * said is read once. Outputs are held up to a limit, so that a large fleet fits into memory.
 */
import { createHash } from 'node:crypto';
import { type Finished, isSuccess } from './outcome.ts';

/** Nodes with one and the same end. */
export interface Group {
  /** One of them, with what it wrote; without it when all groups together wrote too much to hold. */
  readonly sample: Finished;
  /** Whether the sample still has its output. */
  readonly held: boolean;
  readonly nodes: readonly Pick<Finished, 'InstanceId' | 'Name'>[];
}

/** What has ended so far. */
export interface Groups {
  add(finished: Finished): void;
  /** Those that failed first, of these and of the others the larger first. */
  sorted(): readonly Group[];
}

/** Characters of output that are held in all. */
const held = 64 * 1024 * 1024;

/** Begins to collect. */
export function openGroups(room = held): Groups {
  const groups = new Map<string, { sample: Finished; held: boolean; nodes: Group['nodes'][number][] }>();
  return {
    add(finished) {
      const { InstanceId, Name } = finished;
      const node = { InstanceId, ...(Name && { Name }) };
      const key = fingerprint(finished);
      const known = groups.get(key);
      if (known) {
        known.nodes.push(node);
        return;
      }
      const size = sizeOf(finished);
      const fits = size <= room;
      if (fits) room -= size;
      const sample = fits ? finished : withoutOutput(finished);
      groups.set(key, { sample, held: fits, nodes: [node] });
    },
    sorted() {
      const failed = (group: Group) => Number(!isSuccess(group.sample));
      return [...groups.values()].sort((a, b) => failed(b) - failed(a) || b.nodes.length - a.nodes.length);
    },
  };
}

function fingerprint(finished: Finished): string {
  const { Status, StatusDetails, ResponseCode, Reason, Steps } = finished;
  return createHash('sha256')
    .update(JSON.stringify([Status, StatusDetails, ResponseCode, Reason, Steps]))
    .digest('base64');
}

function sizeOf(finished: Finished): number {
  return finished.Steps.reduce(
    (sum, step) => sum + (step.StandardOutput?.length ?? 0) + (step.StandardError?.length ?? 0),
    0,
  );
}

function withoutOutput(finished: Finished): Finished {
  return {
    ...finished,
    Steps: finished.Steps.map(({ StandardOutput, StandardError, ...step }) => step),
  };
}
