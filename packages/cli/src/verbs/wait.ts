/** `rollcall wait`: until a node is Online, or until it is clear why it isn't. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListNodesOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { type Asking, ask } from '../ask.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { statusWords } from '../list/node-table.ts';
import { findInformation, isNodeId, type NodeInformation, nodesNamed } from '../nodes.ts';
import { dataOption, regionOption, type SharedOptions } from '../options.ts';
import { parseSpan, span } from '../output/time.ts';
import type { Wire } from '../wire.ts';
import { knocksOf } from './knocks.ts';

interface Options extends SharedOptions {
  readonly timeout: string;
}

/** Declares `wait`. */
export function wait(command: Command, io: Io): void {
  command
    .description(
      'Waits until a node is Online. Exit code 1, with what is known of the\nreason, when it is not in time.',
    )
    .argument('<node>', 'its id or name; it need not be registered yet')
    .option('--timeout <span>', 'for example 90s or 10m', '60s');
  dataOption(regionOption(command)).action((node: string, options: Options) => run(node, options, io));
}

async function run(typed: string, options: Options, io: Io): Promise<void> {
  const timeout = parseSpan(options.timeout);
  if (timeout === undefined)
    throw new Failure(`--timeout is "${options.timeout}"; it must be a span, for example 90s or 10m.`);
  await ask(io, options, async (asking) => {
    const { client, screen, print } = asking;
    const began = io.now();
    for (let pause = 250; ; pause = Math.min(pause * 1.5, 2000)) {
      const found = isNodeId(typed) ? await findInformation(client, typed) : await findNamed(asking, typed);
      if (found?.PingStatus === 'Online') {
        const name = screen.text(found.Name || found.ComputerName, 30);
        print(
          `${screen.mark('yes')} ${screen.text(found.InstanceId)}  ${name}  Online, after ${span(io.now() - began)}`,
        );
        return;
      }
      const left = began + timeout - io.now();
      if (left <= 0) {
        print(`${screen.mark('no')} ${screen.text(typed, 60)} is not Online after ${span(timeout)}.`);
        print(...(await reasons(asking, typed, found, io.now())).map((line) => `    ${line}`));
        io.exit(exitCodes.no);
        return;
      }
      await sleep(Math.min(pause, left));
    }
  });
}

async function findNamed({ client }: Asking, name: string): Promise<NodeInformation | undefined> {
  const named = await nodesNamed(client, name);
  if (named.length > 1)
    throw new Failure(
      `${named.length} nodes are called "${name}". Wait for one of them by its id: rollcall nodes --name "${name}"`,
    );
  return named[0];
}

/** What the records and the door know of a node that isn't Online. */
async function reasons(
  { client, screen }: Asking,
  typed: string,
  found: NodeInformation | undefined,
  now: number,
): Promise<string[]> {
  const id = found?.InstanceId ?? typed;
  const lines: string[] = [];
  if (found) {
    const status = statusWords(found.PingStatus ?? 'not known');
    lines.push(
      found.LastPingDateTime === undefined
        ? 'It is registered, and has never reported in.'
        : `${screen.text(status)}; last heartbeat ${span(now - found.LastPingDateTime * 1000)} ago.`,
    );
  } else {
    const page = await client.call<Wire<ListNodesOutput>>('rollcall', 'ListNodes', {
      Deregistered: true,
      Name: typed,
      MaxResults: 1,
    });
    const gone = page.Nodes[0];
    if (gone?.DeregisteredAt !== undefined)
      lines.push(
        `It was deregistered ${span(now - gone.DeregisteredAt * 1000)} ago, by`,
        screen.text(gone.DeregisteredBy ?? 'somebody'),
        `undo: rollcall node restore ${screen.text(gone.InstanceId)}`,
      );
    else lines.push(`It is not in the list of ${screen.text(client.connection.region)}.`);
  }
  for (const knock of await knocksOf(client, id))
    lines.push(
      `Refused ${knock.Count} times from ${screen.text(knock.Address, 40)}, last ${span(now - knock.LastAt * 1000)} ago:`,
      `${screen.text(knock.Reason, 40)} (${screen.text(knock.Layer, 20)}) ${screen.text(knock.Detail, 60)}`.trimEnd(),
    );
  return lines;
}
