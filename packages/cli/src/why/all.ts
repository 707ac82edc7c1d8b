/** `rollcall why --all`: the server's own health, then everybody who should be there, grouped by cause. */
import type { WhyAllOutput } from '@rollcall/wire';
import { ask } from '../ask.ts';
import { exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Language, languageOf, screenFor } from '../language.ts';
import type { SharedOptions } from '../options.ts';
import type { Wire } from '../wire.ts';
import { allLines } from './all-page.ts';
import { isOver } from './server-problem.ts';
import { painted } from './show.ts';

/** Flags of `why --all`. */
export interface AllOptions extends SharedOptions {
  readonly lang?: Language;
  readonly verbose?: boolean;
}

/** Members that are asked for of each cause: enough to name them in two lines, or all that an answer can hold. */
const members = { usual: 50, verbose: 1000 };

/** Asks, and prints the page. The exit code is yes when everybody is there and the server is healthy. */
export function askWhyAll(options: AllOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, print, printJson }) => {
    const began = performance.now();
    const MaxMembers = options.verbose || options.json ? members.verbose : members.usual;
    const all = await client.call<Wire<WhyAllOutput>>(
      'rollcall',
      'WhyAll',
      { MaxMembers },
      { timeout: 60_000 },
    );
    if (all.Groups.length > 0 || !all.Server.every(isOver)) io.exit(exitCodes.no);
    if (options.json) {
      printJson({
        ...all,
        Groups: all.Groups.map((group) => ({ ...group, Verdict: JSON.parse(group.Verdict) })),
      });
      return;
    }
    const lang = languageOf(options.lang, io.env);
    const screen = screenFor(lang, io);
    const page = {
      lang,
      verbose: options.verbose ?? false,
      now: io.now(),
      tookMs: performance.now() - began,
    };
    print(...painted(allLines(all, page, screen), screen));
  });
}
