/** Judging what was seen elsewhere: a bundle of another doctor's, or the block of the script. */
import type { Verdict } from '@rollcall/diagnosis';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { languageOf, screenFor } from '../language.ts';
import { plainJson } from '../output/plain.ts';
import type { DoctorOptions } from '../verbs/doctor.ts';
import { readEvidence } from '../why/evidence.ts';
import { exitCodeOf } from '../why/exit-code.ts';
import { verdictLines } from '../why/show.ts';
import { judgeNode } from './look.ts';
import { unseenLines } from './notes.ts';

/** Reads and judges it. Nothing of this machine goes into the verdict. */
export async function readAndJudge(options: DoctorOptions, file: string, io: Io): Promise<void> {
  const node = await readEvidence(file, io);
  const verdict = judged(() => judgeNode(node, node.at), file);
  if (options.json) {
    io.stdout.write(`${plainJson(verdict)}\n`);
    io.exit(exitCodeOf(verdict));
    return;
  }
  const lang = languageOf(options.lang, io.env);
  const { verbose = false } = options;
  const unseen = unseenLines(node, { lang, verbose, here: false }, screenFor(lang, io));
  const lines = [
    ...verdictLines(verdict, { lang, verbose, now: node.at }, io),
    ...(unseen.length ? ['', ...unseen] : []),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
  io.exit(exitCodeOf(verdict));
}

/** A file that somebody has edited may hold values that no doctor writes. */
function judged(judge: () => Verdict, file: string): Verdict {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Failure(
      `${file} holds values that no doctor writes: it was changed, or is of another version.`,
      2,
      {
        cause: error,
      },
    );
  }
}
