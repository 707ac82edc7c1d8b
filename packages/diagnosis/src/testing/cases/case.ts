/** Evidence, and the verdict that it must lead to. */
import type { Evidence } from '../../evidence/index.ts';
import type { Verdict } from '../../verdict.ts';

/** One case. */
export interface Case {
  readonly cause: string;
  /** What is special about it, when a cause has several. */
  readonly when?: string;
  readonly evidence: Evidence;
  /** Default: proven. */
  readonly confidence?: Verdict['confidence'];
  /** The commands of the fix, each as one line; absent: not looked at. */
  readonly fix?: readonly string[];
  /** Slots of the sentence that must be right. */
  readonly says?: Readonly<Record<string, string>>;
  /** Ids that must be among those ruled out. */
  readonly ruledOut?: readonly string[];
}
