/** How far an activation has come: registered, refused by reason, not seen. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { GetActivationProgressOutput } from '@rollcall/wire';
import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import type { Screen } from '../output/screen.ts';
import { cutTo } from '../output/width.ts';
import type { Wire } from '../wire.ts';

type Progress = Wire<GetActivationProgressOutput>;

/** Options of `activation watch`. */
export interface WatchOptions extends SharedOptions {
  readonly once?: boolean;
}

const period = 2000;

/** Shows the progress until all are there or no more can come: one line that changes, or a line per change. */
export function watchActivation(ActivationId: string, options: WatchOptions, io: Io): Promise<void> {
  return ask(io, options, async (asking) => {
    const { client, print, printJson, screen } = asking;
    const live = io.stdout.isTTY && !options.once;
    let shown = '';
    for (;;) {
      const progress = await client.call<Progress>('rollcall', 'GetActivationProgress', { ActivationId });
      const over = progress.Expired || progress.NotSeen === 0;
      const line = progressLine(progress, screen);
      if (options.json && (options.once || over)) printJson(progress);
      else if (live) io.stdout.write(`\r${cutTo(line, 79, screen.ellipsis)}\u001b[K`);
      else if (!options.json && line !== shown) print(line);
      shown = line;
      if (over || options.once) {
        if (live) io.stdout.write('\n');
        if (!options.json) finish(progress, asking);
        if (over && progress.NotSeen > 0) io.exit(exitCodes.no);
        return;
      }
      await sleep(period);
    }
  });
}

/** `registered 212, refused 9 (activation-expired 7, code-wrong 2), not seen 79`. */
export function progressLine(progress: Progress, screen: Screen): string {
  const refused = progress.Refused.reduce((sum, each) => sum + each.Count, 0);
  const reasons = [...progress.Refused]
    .sort((a, b) => b.Count - a.Count)
    .map((each) => `${screen.text(each.Reason, 40)} ${each.Count}`);
  const why = reasons.length ? ` (${reasons.join(', ')})` : '';
  return `registered ${progress.Registered}, refused ${refused}${why}, not seen ${progress.NotSeen}`;
}

function finish(progress: Progress, { print, screen }: Asking): void {
  if (progress.NotSeen === 0) print(`${screen.mark('yes')} All ${progress.Limit} are there.`);
  else if (progress.Expired)
    print(
      `${screen.mark('no')} The activation has expired. For the ${progress.NotSeen} that are missing:`,
      `    rollcall activation renew${atData()} ${screen.text(progress.ActivationId)}`,
    );
  if (progress.Refused.length)
    print(
      `    Who was refused: rollcall knocks${atData()} --claim ID`,
      `    ${screen.text(progress.ActivationId)}`,
    );
}
