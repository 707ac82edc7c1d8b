/** What a verdict is for a script: yes, no, or that it couldn't be told. */
import type { Verdict } from '@rollcall/diagnosis';
import { exitCodes } from '../failure.ts';

/** 0: yes to what was asked, 1: no, 2: couldn't tell. With a document it was asked whether it can be picked. */
export function exitCodeOf({ answers, asked }: Pick<Verdict, 'answers' | 'asked'>): number {
  const counted = asked.document === undefined ? Object.values(answers) : [answers.pickable];
  if (counted.includes('no')) return exitCodes.no;
  return counted.every((answer) => answer === 'yes') ? exitCodes.ok : exitCodes.unable;
}
