/** What a case of the zoo is: something that is wrong, or looks wrong, and what must be said of it. */
import type { Gate } from '@rollcall/diagnosis';
import type { Stage } from './stage.ts';

/** A wrong thing is there (`fault`); it looks like another (`decoy`); nothing is wrong (`twin`). */
export type Kind = 'fault' | 'decoy' | 'twin';

/** What one end must say. `blind`: it can't see the cause from there, and must not name another. */
export type Says =
  | 'proven'
  | 'likely'
  /** Either of the two. */
  | 'sure'
  | 'blind'
  /** All is well, proven. */
  | 'well'
  /** Too young to be judged. */
  | 'pending'
  | { readonly cause: string; readonly as: 'proven' | 'likely' | 'sure' };

/** A case. */
export interface Case {
  /** Unique, kebab-case; that of the cause where it is the only one of it. */
  readonly id: string;
  readonly part: string;
  readonly kind: Kind;
  /** Really injected here, or judged from recorded evidence. */
  readonly how: 'injected' | 'recorded';
  /** The right cause; absent where none may be named. */
  readonly cause?: string;
  readonly gate?: Gate;
  /** The solution of AWS's page that it belongs to. */
  readonly solution?: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  /** What it must never be taken for, beside all that isn't the cause: named in the table. */
  readonly decoyOf?: readonly string[];
  /** What each end says; an end that is left out isn't asked. */
  readonly node?: Says;
  readonly operator?: Says;
  readonly both?: Says;
  /** A piece of the command that mends it; `explained` where only a person may. Not looked at when left out. */
  readonly fix?: string;
  /** Causes that may be mentioned as warnings. */
  readonly warnings?: readonly string[];
  readonly needs?: readonly Need[];
  run(stage: Stage): Promise<void>;
}

/** What a case can't do without. */
export type Need = 'root' | 'nft' | 'faketime' | 'official';

/** A case's head: all but what is done. */
export type Head = Omit<Case, 'part' | 'run'>;

/** Collects the cases of a part. */
export function openPart(part: string): {
  readonly cases: readonly Case[];
  fault(head: Omit<Head, 'kind' | 'how'> & { readonly how?: Case['how'] }, run: Case['run']): void;
  decoy(head: Omit<Head, 'kind' | 'how'> & { readonly how?: Case['how'] }, run: Case['run']): void;
  twin(head: Omit<Head, 'kind' | 'how'> & { readonly how?: Case['how'] }, run: Case['run']): void;
} {
  const cases: Case[] = [];
  const add =
    (kind: Kind) =>
    (head: Omit<Head, 'kind' | 'how'> & { readonly how?: Case['how'] }, run: Case['run']): void => {
      cases.push({ how: 'injected', ...head, part, kind, run });
    };
  return { cases, fault: add('fault'), decoy: add('decoy'), twin: add('twin') };
}
