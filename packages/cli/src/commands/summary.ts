/** What a command did on many nodes: failures first, each output once, and at the end how many of how many. */

import { atData } from '../at-data.ts';
import { commandLines } from '../output/command.ts';
import { counted } from '../output/count.ts';
import { plainOutput } from '../output/plain.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import type { Group, Groups } from './groups.ts';
import { nameLines, tellingNames } from './names.ts';
import {
  type Finished,
  isCut,
  isSuccess,
  nextFor,
  type Progress,
  reasonFor,
  type Step,
  verdict,
} from './outcome.ts';

/** All groups, each with a line between, and the last line. Without `outputs`, only how it ended there. */
export function summaryLines(
  groups: Groups,
  command: Progress,
  screen: Screen,
  options: { readonly outputs?: boolean } = {},
): string[] {
  const { outputs = true } = options;
  const sorted = groups.sorted();
  return [
    ...sorted.flatMap((group) => [...groupLines(group, command.CommandId, screen, outputs), '']),
    ...totalLines(sorted, command, screen),
  ];
}

function groupLines(group: Group, commandId: string, screen: Screen, outputs: boolean): string[] {
  const { sample, nodes } = group;
  const mark = screen.mark(isSuccess(sample) ? 'yes' : 'no');
  const title = `${mark} ${counted(nodes.length, 'node')}: ${screen.text(verdict(sample), 60)}`;
  const reason = reasonFor(sample);
  const next = nextFor(sample);
  return [
    screen.strong(title),
    ...nameLines(tellingNames(nodes), screen),
    ...(reason ? wrap(screen.text(reason, 1000), '  ') : []),
    ...(outputs ? outputLines(group, commandId, screen) : []),
    ...(next ? nextLines(next) : []),
  ];
}

/** A command stands on lines of its own. */
function nextLines(next: string): string[] {
  return next.startsWith('rollcall ') ? ['  Next', ...commandLines(next)] : wrap(`Next: ${next}`, '  ');
}

function outputLines({ sample, held }: Group, commandId: string, screen: Screen): string[] {
  if (!held)
    return [
      '  The outputs are too many to hold here. This one:',
      ...commandLines(`rollcall commands${atData()} ${commandId} --node ${sample.InstanceId}`),
    ];
  const several = sample.Steps.length > 1;
  return sample.Steps.flatMap((step) => [
    ...(several ? [`  step ${screen.text(step.Name, 60)}: ${screen.text(step.Status, 30)}`] : []),
    ...streamLines(step, 'stdout', sample, commandId, screen),
    ...streamLines(step, 'stderr', sample, commandId, screen),
  ]);
}

function streamLines(
  step: Step,
  stream: 'stdout' | 'stderr',
  sample: Finished,
  commandId: string,
  screen: Screen,
): string[] {
  const text = (stream === 'stdout' ? step.StandardOutput : step.StandardError) ?? '';
  if (text === '') return [];
  const cut = isCut(step, stream);
  return [
    ...(stream === 'stderr' ? ['  standard error'] : []),
    ...indented(text, screen),
    ...(cut === 'kept'
      ? [
          '  more of it is kept:',
          ...commandLines(`rollcall commands${atData()} ${commandId} --node ${sample.InstanceId} --output`),
        ]
      : []),
    ...(cut === 'lost' ? ['  the agent sent no more than this; --s3-bucket keeps all of it'] : []),
  ];
}

/** What a node wrote, where it can't be taken for a line of ours: never at the beginning of one. */
export function indented(text: string, screen: Screen): string[] {
  return plainOutput(text, { ascii: !screen.utf8 })
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `    ${untabbed(line)}`.trimEnd());
}

/** Tabs would stand elsewhere behind an indent. */
function untabbed(line: string): string {
  let shown = '';
  for (const part of line.split(/(\t)/)) shown += part === '\t' ? ' '.repeat(8 - (shown.length % 8)) : part;
  return shown;
}

/** `312 of 1,024 nodes: 3 Failed, 309 Success.` and the command's id. */
function totalLines(groups: readonly Group[], command: Progress, screen: Screen): string[] {
  const counts = new Map<string, number>();
  for (const { sample, nodes } of groups) {
    const word = screen.text(sample.StatusDetails || sample.Status, 40);
    counts.set(word, (counts.get(word) ?? 0) + nodes.length);
  }
  const ended = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const words = [...counts].map(([word, count]) => `${count.toLocaleString('en-US')} ${word}`);
  return [
    ...wrap(
      `${ended.toLocaleString('en-US')} of ${counted(command.TargetCount, 'node')}${words.length ? `: ${words.join(', ')}` : ''}.`,
    ),
    ...(isOverButEmpty(command) ? [`${screen.text(command.StatusDetails, 60)}: no node was reached.`] : []),
    `Command ${screen.text(command.CommandId)}`,
  ];
}

function isOverButEmpty(command: Progress): boolean {
  return command.TargetCount === 0;
}
