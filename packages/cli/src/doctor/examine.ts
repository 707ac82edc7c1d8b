/** Examining the machine that this runs on: looking, judging, saying it, and mending what may be mended. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { languageOf, screenFor } from '../language.ts';
import { systemMachine } from '../machine.ts';
import { plainJson } from '../output/plain.ts';
import { screenOf } from '../output/screen.ts';
import type { DoctorOptions } from '../verbs/doctor.ts';
import { exitCodeOf } from '../why/exit-code.ts';
import { verdictLines } from '../why/show.ts';
import { echoLines } from './echo.ts';
import { type Looked, mend, unmendedWords } from './fix.ts';
import { look } from './look.ts';
import { unseenLines } from './notes.ts';
import { wayLines } from './way-lines.ts';

/** Does it. The exit code is the answer. */
export async function examine(options: DoctorOptions, io: Io): Promise<void> {
  const began = performance.now();
  const first = await look(options, io);
  const tookMs = performance.now() - began;
  if (options.bundle !== undefined) await writeBundle(options.bundle, first, io);
  if (options.json) io.stdout.write(`${plainJson(first.verdict)}\n`);
  else show(first, options, tookMs, io);
  if (!options.json) await showWay(first, options, io);
  const last = options.fix ? await mendAndShow(first, options, io) : first;
  io.exit(exitCodeOf(last.verdict));
}

function show({ node, verdict }: Looked, options: DoctorOptions, tookMs: number | undefined, io: Io): void {
  const lang = languageOf(options.lang, io.env);
  const { verbose = false } = options;
  const unseen = unseenLines(node, { lang, verbose, here: true }, screenFor(lang, io));
  const lines = [
    ...verdictLines(verdict, { lang, verbose, tookMs }, io),
    ...(unseen.length ? ['', ...unseen] : []),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}

/** For whoever asked about a way: the way itself, whatever the verdict stopped at. */
async function showWay({ node }: Looked, options: DoctorOptions, io: Io): Promise<void> {
  const { server, endpoint } = options;
  if (server === undefined && endpoint === undefined) return;
  const lang = languageOf(options.lang, io.env);
  const screen = screenFor(lang, io);
  const asked = node.endpoints.filter(({ url }) => endpoint !== undefined || isSame(url, server ?? ''));
  const lines = [
    ...wayLines(asked, lang, screen),
    ...(server === undefined ? [] : await echoLines(server, io.now, lang, screen)),
  ];
  if (lines.length) io.stdout.write(`${lines.join('\n')}\n`);
}

function isSame(one: string, other: string): boolean {
  return URL.canParse(one) && new URL(one).origin === new URL(other).origin;
}

async function mendAndShow(first: Looked, options: DoctorOptions, io: Io): Promise<Looked> {
  const mended = await mend(first, { io, machine: systemMachine(), look: () => look(options, io) });
  if (mended.ran > 0) {
    io.stdout.write('\n');
    show(mended.looked, options, undefined, io);
  }
  const words = mended.because && unmendedWords(mended.because);
  if (words) io.stderr.write(`\n${words}\n`);
  return mended.looked;
}

/** Nobody else may read it at once, and nothing is overwritten: it says much about a machine. */
async function writeBundle(typed: string, { node }: Looked, io: Io): Promise<void> {
  const { redact } = await import('@rollcall/probes');
  const file = path.resolve(io.cwd, typed);
  try {
    writeFileSync(file, `${plainJson(redact(node))}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Failure(
      code === 'EEXIST'
        ? `${file} is there already. Name another file.`
        : `${file} can't be written: ${message}`,
    );
  }
  const screen = screenOf({ env: io.env, stdout: io.stderr });
  io.stderr.write(
    `${screen.mark('yes')} ${screen.text(file, 4096)}: what was seen, without passwords and keys.\n    To judge it elsewhere: rollcall doctor --read ${screen.text(typed, 200)}\n\n`,
  );
}
