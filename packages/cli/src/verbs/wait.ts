/** `rollcall wait`: until a node is Online, or until it is clear why it isn't. */

import { setTimeout as sleep } from 'node:timers/promises';
import { causeOf, type Verdict } from '@rollcall/diagnosis';
import type { ListNodesOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { type Asking, ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { ServiceError } from '../client.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { languageOf } from '../language.ts';
import { statusWords } from '../list/node-table.ts';
import { findInformation, isNodeId, type NodeInformation, nodesNamed } from '../nodes.ts';
import { dataOption, regionOption, type SharedOptions } from '../options.ts';
import { wrap } from '../output/table.ts';
import { parseSpan, span } from '../output/time.ts';
import { verdictLines } from '../why/show.ts';
import { callWhy } from '../why/subject.ts';
import type { Wire } from '../wire.ts';
import { knocksOf } from './knocks.ts';

interface Options extends SharedOptions {
  readonly timeout: string;
}

/** Declares `wait`. */
export function wait(command: Command, io: Io): void {
  command
    .description(
      'Waits until a node is Online. Exit code 1, with the reason, when it is not in\ntime; and at once, when it is proven that it never will be by itself.',
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
    const why = asker(asking, typed);
    let isTold = false;
    for (let pause = 250; ; pause = Math.min(pause * 1.5, 2000)) {
      const found = isNodeId(typed) ? await findInformation(client, typed) : await findNamed(asking, typed);
      if (found?.PingStatus === 'Online') {
        const name = screen.text(found.Name || found.ComputerName, 30);
        print(
          `${screen.mark('yes')} ${screen.text(found.InstanceId)}  ${name}  Online, after ${span(io.now() - began)}`,
        );
        return;
      }
      if (!found && !isTold) io.stderr.write(`${unknownLines(typed, asking).join('\n')}\n`);
      isTold = true;
      const left = began + timeout - io.now();
      const verdict = await why(left <= 0, io.now());
      const never = verdict !== undefined && isFinal(verdict);
      if (left <= 0 || never) {
        const after = never ? 'never will be Online by itself' : `is not Online after ${span(timeout)}`;
        print(`${screen.mark('no')} ${screen.text(typed, 60)} ${after}.`);
        if (verdict) print('', ...verdictLines(verdict, { lang: languageOf(undefined, io.env) }, io));
        else print(...(await reasons(asking, typed, found, io.now())).map((line) => `    ${line}`));
        io.exit(exitCodes.no);
        return;
      }
      await sleep(Math.min(pause, left));
    }
  });
}

/** Said at once: a name that is spelt wrongly is waited for in vain. */
function unknownLines(typed: string, { screen, region }: Asking): string[] {
  const what = isNodeId(typed) ? 'has the id' : 'is called';
  return [
    ...wrap(
      `${screen.mark('warning')} No node in ${screen.text(region)} ${what} ${screen.text(typed, 60)} yet. Waiting for it.`,
    ),
    `    Which there are:         rollcall nodes${atData()}`,
    `    To let a machine join:   rollcall activation create${atData()}`,
  ];
}

/** Milliseconds between two questions why it isn't there: more is known now and then, not all the time. */
const askAgain = 5000;

/**
 * Asks why, not too often; undefined when it wasn't asked now, when nothing can be told about the name, and for
 * whoever may wait and may not ask this.
 */
function asker(asking: Asking, subject: string): (now: boolean, at: number) => Promise<Verdict | undefined> {
  let next = 0;
  return async (now, at) => {
    if (!now && at < next) return undefined;
    next = at + askAgain;
    try {
      const { Verdict: text, CandidateCount } = await callWhy(asking, { subject });
      return text === undefined || CandidateCount > 1 ? undefined : (JSON.parse(text) as Verdict);
    } catch (error) {
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  };
}

/**
 * Whether waiting is in vain: what keeps the node out is proven by our own books and by what the door saw, and
 * nothing of it goes by. What a machine said of itself may have been mended since.
 */
function isFinal(verdict: Verdict): boolean {
  const { state, confidence, cause, nextAttempt, evidence } = verdict;
  if (state !== 'ill' || confidence !== 'proven' || nextAttempt !== undefined) return false;
  if (causeOf(cause)?.passing || causeOf(cause)?.breaks !== 'listed') return false;
  return evidence.length > 0 && evidence.every(({ side }) => side !== 'node');
}

async function findNamed({ client }: Asking, name: string): Promise<NodeInformation | undefined> {
  const named = await nodesNamed(client, name);
  if (named.length > 1)
    throw new Failure(
      `${named.length} nodes are called "${name}". Wait for one of them by its id: rollcall nodes${atData()} --name "${name}"`,
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
        `undo: rollcall node restore${atData()} ${screen.text(gone.InstanceId)}`,
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
