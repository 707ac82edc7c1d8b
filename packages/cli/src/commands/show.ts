/**
 * Shows a command's results as they come, and how it ended: for one node its own output, for several a summary,
 * for programs a line of JSON each.
 */

import type { Asking } from '../ask.ts';
import { atData } from '../at-data.ts';
import { exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { counted } from '../output/count.ts';
import { plainJson } from '../output/plain.ts';
import { timeNames, withUtcTimes } from '../wire.ts';
import { follow } from './follow.ts';
import { openGroups } from './groups.ts';
import { interruptedExitCode, onInterrupt } from './interrupt.ts';
import { type Live, openLive, progressLine, resultLine } from './live.ts';
import { type Finished, isOver, isSuccess, type Progress } from './outcome.ts';
import { printSingle } from './single.ts';
import { summaryLines } from './summary.ts';
import { makeFolder, saveOutput, withWholeOutput } from './whole-output.ts';

/** What is shown, and how. */
export interface Showing {
  readonly commandId: string;
  /** Nodes that no channel was open to when the command was sent. */
  readonly away?: number;
  /** What a terminal shows until there is news. */
  readonly begins?: string;
  /** A line of JSON for each node and one for the command. */
  readonly json?: boolean;
  /** All that is kept of the outputs, not only their beginnings. */
  readonly whole?: boolean;
  /** A folder for a file of each output, absolute. */
  readonly save?: string | undefined;
  /** What there is now, instead of waiting for the end. */
  readonly once?: boolean;
}

/** What was shown. */
export interface Shown {
  /** Undefined when somebody stopped before anything was known. */
  readonly command: Progress | undefined;
  readonly failed: number;
  /** Whether somebody pressed Ctrl-C. */
  readonly interrupted: boolean;
}

/** With more nodes than this, only failures get a line of their own while the command runs. */
const fewNodes = 20;
/** The most lines for failures while the command runs; the summary has all. */
const mostLines = 20;

/** Shows it to the end, or to a Ctrl-C. */
export async function showCommand(asking: Asking, io: Io, showing: Showing): Promise<Shown> {
  const { client, screen } = asking;
  const live = openLive(io);
  // What is read once is soon done: Ctrl-C means there what it always means.
  const interrupt = showing.once ? undefined : onInterrupt();
  const groups = openGroups();
  let command: Progress | undefined;
  let failed = 0;
  let said = 0;
  let files = 0;
  // What is read once is a record of the command: it has a summary, however few its nodes.
  const isSingle = (targets: number) => targets === 1 && !showing.once;
  const take = async (each: Finished, { TargetCount }: Progress) => {
    if (!isSuccess(each)) failed += 1;
    if (showing.save) files += await saveOutput(client, showing.commandId, each, showing.save);
    const finished = showing.whole ? await withWholeOutput(client, showing.commandId, each) : each;
    // Whatever is printed now mustn't stand behind the line that changes.
    if (showing.json || isSingle(TargetCount)) live.clear();
    if (showing.json) asking.print(jsonLine({ CommandId: showing.commandId, ...finished }));
    else if (isSingle(TargetCount)) printSingle(finished, showing.commandId, io);
    else groups.add(finished);
    const isWorthALine = TargetCount > 1 && (TargetCount <= fewNodes || !isSuccess(each));
    if (!showing.once && isWorthALine && said++ < mostLines) live.say(resultLine(each, live.screen));
  };
  try {
    if (showing.save) await makeFolder(showing.save);
    if (showing.begins) live.show(showing.begins);
    const onTrouble = (reason: string | undefined) => {
      if (reason === undefined) live.say('The server answers again.');
      else live.show(`${live.screen.text(reason)} Trying again`);
    };
    const options = {
      once: showing.once ?? false,
      onTrouble,
      ...(interrupt && { signal: interrupt.signal }),
    };
    for await (const news of follow(client, showing.commandId, options)) {
      command = news.Command;
      for (const each of news.Finished) await take(each, command);
      if (!isOver(command) && !showing.once)
        live.show(
          isSingle(command.TargetCount) && showing.begins
            ? showing.begins
            : progressLine(command, showing.away ?? 0),
        );
    }
  } finally {
    live.clear();
    interrupt?.close();
  }
  if (interrupt?.signal.aborted || !command) {
    goOn(showing.commandId, command, live, io);
    return { command, failed, interrupted: true };
  }
  if (showing.json) asking.print(jsonLine(command));
  else if (!isSingle(command.TargetCount)) {
    // What was saved needn't be read here as well, unless it was asked for.
    const outputs = !showing.save || (showing.whole ?? false);
    asking.print(...summaryLines(groups, command, screen, { outputs }));
  }
  if (files && showing.save)
    io.stderr.write(`${counted(files, 'file')} in ${live.screen.text(showing.save, 4096)}\n`);
  return { command, failed, interrupted: false };
}

/** The exit code of a command that was followed to its end. */
export function exitCodeOf({ command, failed, interrupted }: Shown): number {
  if (interrupted || !command) return interruptedExitCode;
  const isWhole = command.TargetCount > 0 && command.FinishedCount >= command.TargetCount;
  return failed === 0 && isWhole ? exitCodes.ok : exitCodes.no;
}

function jsonLine(value: unknown): string {
  return plainJson(withUtcTimes(value, timeNames), 0);
}

function goOn(commandId: string, command: Progress | undefined, live: Live, io: Io): void {
  const far = command ? `: ${progressLine(command, 0)}` : '';
  io.stderr.write(
    [
      `${io.stderr.isTTY ? '\n' : ''}${live.screen.mark('warning')} Not watched any more; the command goes on${far}.`,
      '    to watch it again',
      `      rollcall commands${atData()} ${commandId} --wait`,
      '    to cancel it',
      `      rollcall cancel${atData()} ${commandId}`,
      '',
    ].join('\n'),
  );
}
