/** The commands that were sent, newest first. */

import type { Asking } from '../ask.ts';
import { atData } from '../at-data.ts';
import { counted } from '../output/count.ts';
import type { Screen } from '../output/screen.ts';
import { localTime } from '../output/time.ts';
import { cutTo } from '../output/width.ts';
import { listAll } from '../wire.ts';
import { shellDocument } from './words.ts';

/** The members of ListCommands that are looked at. */
export interface SentCommand {
  readonly CommandId: string;
  readonly DocumentName: string;
  readonly Comment?: string;
  readonly Parameters?: Readonly<Record<string, readonly string[]>>;
  readonly RequestedDateTime: number;
  readonly Status: string;
  readonly StatusDetails?: string;
  readonly TargetCount: number;
  readonly CompletedCount: number;
  readonly ErrorCount: number;
  readonly DeliveryTimedOutCount: number;
}

interface Page {
  readonly Commands: readonly SentCommand[];
  readonly NextToken?: string;
}

/** Prints the list, or answers it as JSON. */
export async function listCommands(
  asking: Asking,
  input: object,
  limit: number,
  json: boolean,
): Promise<void> {
  const { client, screen, region, print, printJson } = asking;
  const { items, more } = await listAll<SentCommand, Page>(
    client,
    'ListCommands',
    input,
    (page) => page.Commands,
    { service: 'ssm', pageSize: 50, limit },
  );
  if (json) {
    printJson({ Commands: items });
    return;
  }
  for (const command of items) print(...lines(command, screen));
  if (items.length === 0)
    print(`No such command in ${screen.text(region)}. To send one: rollcall run${atData()} -- uname -a`);
  else
    print(
      '',
      `${counted(items.length, 'command')}, newest first${more ? `; there are more: --limit ${items.length * 10}` : ', which is all'}.`,
    );
}

/** One command of the list, for JSON and headings. */
export async function findCommand(asking: Asking, CommandId: string): Promise<SentCommand | undefined> {
  const page = await asking.client.call<Page>('ssm', 'ListCommands', { CommandId });
  return page.Commands[0];
}

function lines(command: SentCommand, screen: Screen): string[] {
  const status = screen.text(command.StatusDetails || command.Status, 24);
  return [
    `${screen.text(command.CommandId)}  ${localTime(command.RequestedDateTime * 1000)}  ${status}`,
    cutTo(`    ${counts(command)}  ${what(command, screen)}`, 80, screen.ellipsis),
  ];
}

function counts(command: SentCommand): string {
  const number = (count: number) => count.toLocaleString('en-US');
  const bad = command.ErrorCount + command.DeliveryTimedOutCount;
  const far =
    command.CompletedCount === command.TargetCount
      ? counted(command.TargetCount, 'node')
      : `${number(command.CompletedCount)} of ${counted(command.TargetCount, 'node')}`;
  return bad ? `${far}, ${number(bad)} failed` : far;
}

/** What was to run, in a few words: the shell line, or the document; and the comment. */
function what(command: SentCommand, screen: Screen): string {
  const line = command.Parameters?.commands?.join('; ');
  const ran =
    command.DocumentName === shellDocument && line
      ? screen.text(line, 300)
      : [screen.text(command.DocumentName, 80), screen.text(line, 200)].filter(Boolean).join(': ');
  return command.Comment ? `${ran}  (${screen.text(command.Comment, 100)})` : ran;
}
