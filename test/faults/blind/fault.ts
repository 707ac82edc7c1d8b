/**
 * What a fault of the blind set is. Whoever writes one knows what causes mean and how a machine is broken, and has
 * not read how the doctor decides: so its verdicts can be measured rather than confirmed.
 */
import type { NodeEvidence } from '@rollcall/probes';
import type { Machine } from '../node/machine.ts';
import type { World, WorldOptions } from '../world.ts';

/** A cause by its id, or ids by their form; `none`: nothing is wrong; `unknown`: nobody could tell, and that is said. */
export type Expected = string | RegExp;

/** Which end is asked: the doctor on the machine, the server, or the server with what the machine's doctor saw. */
export type Asked = 'node' | 'operator' | 'both';

/** What is asked once the fault is there. */
export type Question =
  | {
      readonly machine: Machine;
      /** More arguments for `rollcall doctor --json`. */
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      /** As `rollcall why` takes it. */
      readonly subject: string;
      readonly evidence?: NodeEvidence;
      readonly document?: string;
      readonly region?: string;
      /** Who asks; the administrator unless given. */
      readonly as?: { readonly accessKeyId: string; readonly secretAccessKey: string };
    };

/** One fault. */
export interface Fault {
  readonly id: string;
  /** What happened, as an operator would tell it afterwards. */
  readonly story: string;
  readonly asked: Asked;
  /** The right answer, then what is right as well where the causes leave it open. */
  readonly expected: readonly Expected[];
  /** What was expected before the first run, where the meaning of the causes proved it wrong; and why. */
  readonly firstExpected?: { readonly expected: readonly Expected[]; readonly why: string };
  /** Needs the official agent's own programs. */
  readonly official?: true;
  readonly world?: WorldOptions;
  /** Breaks it, and makes sure, by other means than the doctor's, that it is broken; throws when it isn't. */
  inject(world: World): Promise<Question>;
}
