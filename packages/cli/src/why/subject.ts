/** `rollcall why` about one machine: the server joins what it knows with what was seen on the machine, if it was. */

import type { Verdict } from '@rollcall/diagnosis';
import type { WhyCandidate, WhyOutput } from '@rollcall/wire';
import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Language, languageOf, screenFor } from '../language.ts';
import { statusWords } from '../list/node-table.ts';
import type { SharedOptions } from '../options.ts';
import { plainJson } from '../output/plain.ts';
import type { Screen } from '../output/screen.ts';
import { table, wrap } from '../output/table.ts';
import type { Wire } from '../wire.ts';
import { exitCodeOf } from './exit-code.ts';
import { verdictLines } from './show.ts';

/** What is asked. */
export interface Question extends SharedOptions {
  readonly subject: string;
  /** The document that it is to be picked for. */
  readonly document?: string | undefined;
  /** What was seen on the machine, JSON. */
  readonly evidence?: string | undefined;
  readonly lang?: Language;
  readonly verbose?: boolean;
}

/** Asks, and prints the verdict; the exit code is the answer. */
export function askWhy(question: Question, io: Io): Promise<void> {
  return ask(io, question, async (asking) => {
    const began = performance.now();
    const answer = await callWhy(asking, question);
    const isOne = answer.Verdict !== undefined && answer.CandidateCount < 2;
    const verdict = answer.Verdict === undefined ? undefined : (JSON.parse(answer.Verdict) as Verdict);
    io.exit(isOne && verdict ? exitCodeOf(verdict) : exitCodes.unable);
    if (question.json) {
      asking.print(
        plainJson(verdict ?? { Candidates: answer.Candidates, CandidateCount: answer.CandidateCount }),
      );
      return;
    }
    if (!isOne || !verdict) {
      asking.print(...severalLines(question.subject, answer, asking));
      return;
    }
    const { verbose } = question;
    const tookMs = performance.now() - began;
    const lang = languageOf(question.lang, io.env);
    asking.print(...verdictLines(verdict, { lang, verbose, tookMs }, io));
    if (isStranger(verdict))
      asking.print('', ...strangerLines(question.subject, lang, asking, screenFor(lang, io)));
  });
}

/** One call of `Why`. */
export function callWhy({ client }: Asking, question: Question): Promise<Wire<WhyOutput>> {
  const { subject, document, evidence } = question;
  return client.call<Wire<WhyOutput>>('rollcall', 'Why', {
    Subject: subject,
    ...(document !== undefined && { Document: document }),
    ...(evidence !== undefined && { Evidence: evidence }),
  });
}

/** Whether nothing at all is known under the name that was typed. */
function isStranger({ subject, cause, standing }: Verdict): boolean {
  const known = subject.nodeId ?? subject.name;
  return cause === undefined && known === undefined && (standing === undefined || standing.is === 'absent');
}

function strangerLines(subject: string, lang: Language, { region }: Asking, screen: Screen): string[] {
  const shown = screen.text(subject, 60);
  const where = screen.text(region);
  return lang === 'ja'
    ? [
        ...wrap(`「${shown}」という名前は ${where} の一覧にもロスターにもありません。`),
        `つづりを確かめるには    rollcall nodes${atData()}`,
        `あるはずのマシンの一覧  rollcall roster list${atData()}`,
        `拒否された接続の一覧    rollcall knocks${atData()}`,
      ]
    : [
        ...wrap(`Nothing in ${where} is called "${shown}": no node, and no machine of the roster.`),
        `Is it spelt so?                rollcall nodes${atData()}`,
        `Is it known that it exists?    rollcall roster list${atData()}`,
        `Was it turned away?            rollcall knocks${atData()}`,
      ];
}

function severalLines(subject: string, answer: Wire<WhyOutput>, { screen }: Asking): string[] {
  const shown = screen.text(subject, 60);
  const columns = [{ title: 'SAY' }, { title: 'NAME', atLeast: 8 }, { title: 'REGION' }, { title: 'STATUS' }];
  const rows = answer.Candidates.map((each) => [
    sayable(each),
    each.Name ?? '',
    each.Region,
    each.PingStatus === undefined ? 'no node' : statusWords(each.PingStatus),
  ]);
  const rest = answer.CandidateCount - answer.Candidates.length;
  return [
    ...wrap(
      `${screen.mark('unknown')} "${shown}" may be any of ${answer.CandidateCount}; none was judged. Say which:`,
    ),
    '',
    ...table(columns, rows, screen),
    '',
    `${answer.Candidates.length} of ${answer.CandidateCount}.${rest > 0 ? ' A longer name, or an id, leaves fewer.' : ''}`,
  ];
}

function sayable(candidate: Wire<WhyCandidate>): string {
  return candidate.InstanceId ?? candidate.Machine ?? candidate.Address ?? '';
}
