/** The nodes on which a command hasn't ended yet, by where it stands there. */
import type { Client } from '../client.ts';
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';
import { listAll } from '../wire.ts';
import type { InvocationPage, ListedInvocation } from './invocation.ts';
import { nameLines, tellingNames } from './names.ts';

/** Nodes that are read of each status; of more, the first are shown. */
const enough = 100;
const meanings: Readonly<Record<string, string>> = {
  Pending: 'not begun',
  Delayed: 'away: they get it when they are back',
  InProgress: 'running',
  Cancelling: 'being cancelled',
};

/** A line for each state, and who is in it. */
export async function unfinishedLines(client: Client, CommandId: string, screen: Screen): Promise<string[]> {
  const nodes = new Map<string, { InstanceId: string; Name: string | undefined }[]>();
  let isCut = false;
  for (const value of ['Pending', 'InProgress', 'Cancelling']) {
    const { items, more } = await listAll<ListedInvocation, InvocationPage>(
      client,
      'ListCommandInvocations',
      { CommandId, Filters: [{ key: 'Status', value }] },
      (page) => page.CommandInvocations,
      { service: 'ssm', pageSize: 50, limit: enough },
    );
    isCut ||= more;
    for (const { InstanceId, InstanceName, Status, StatusDetails } of items) {
      const word = StatusDetails || Status;
      nodes.set(word, [...(nodes.get(word) ?? []), { InstanceId, Name: InstanceName }]);
    }
  }
  return [
    ...[...nodes].flatMap(([word, those]) => [
      `${screen.mark('skipped')} ${screen.text(word, 40)}${meanings[word] ? `, ${meanings[word]}` : ''}`,
      ...nameLines(tellingNames(those), screen),
    ]),
    ...(isCut ? wrap(`These are the first ${enough} of each.`, '  ') : []),
  ];
}
