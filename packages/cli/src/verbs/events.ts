/** `rollcall events`: what happened by itself and an operator wants to know, later or at once. */
import type { ListEventsOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { type Asking, ask, readCount } from '../ask.ts';
import { interruptedExitCode, onInterrupt } from '../commands/interrupt.ts';
import { type Event, followEvents } from '../follow-events.ts';
import type { Io } from '../io.ts';
import { resolveNode } from '../nodes.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { plainJson } from '../output/plain.ts';
import { wrap } from '../output/table.ts';
import { localTime } from '../output/time.ts';
import { listAll, timeNames, type Wire, withUtcTimes } from '../wire.ts';

interface Options extends SharedOptions {
  readonly limit?: string;
  readonly follow?: boolean;
}

/** Declares `events`. */
export function events(command: Command, io: Io): void {
  command
    .description(
      'Lists what happened to a node, or, without one, to all of them and the\nserver; latest first.',
    )
    .argument('[node]', 'its id or name')
    .option('--follow', 'the latest ones, and from then on each as it happens; Ctrl-C ends it')
    .option('--limit <n>', 'at most so many (50; with --follow 10)');
  dataOption(regionOption(jsonOption(command)))
    .addHelpText('after', '\nWith --follow, --json prints a line of JSON for each event.')
    .action((node: string | undefined, options: Options) => run(node, options, io));
}

function run(typed: string | undefined, options: Options, io: Io): Promise<void> {
  return ask(io, options, async (asking) => {
    const subject = typed === undefined ? undefined : await resolveNode(asking.client, typed);
    const limit = readCount(options.limit ?? (options.follow ? '10' : '50'), '--limit');
    await (options.follow
      ? follow(subject, limit, options, asking, io)
      : list(subject, limit, options, asking));
  });
}

async function list(
  subject: string | undefined,
  limit: number,
  options: Options,
  asking: Asking,
): Promise<void> {
  const { client, print, printJson } = asking;
  const { items, more } = await listAll<Event, Wire<ListEventsOutput>>(
    client,
    'ListEvents',
    subject === undefined ? {} : { Subject: subject },
    (each) => each.Events,
    { limit },
  );
  if (options.json) {
    printJson({ Events: items });
    return;
  }
  for (const event of items) print(...eventLines(event, subject === undefined, asking));
  const rest = more ? `; there are more: --limit ${items.length * 10}` : '';
  print(...(items.length ? [''] : []), `${counted(items.length, 'event')}${rest}.`);
}

async function follow(
  subject: string | undefined,
  before: number,
  options: Options,
  asking: Asking,
  io: Io,
): Promise<void> {
  const { client, print, screen } = asking;
  const interrupt = onInterrupt();
  try {
    const onTrouble = (reason: string | undefined) =>
      io.stderr.write(`${reason === undefined ? 'The server answers again.' : screen.text(reason, 200)}\n`);
    for await (const news of followEvents(client, { subject, before, signal: interrupt.signal, onTrouble }))
      for (const event of news)
        print(
          ...(options.json
            ? [plainJson(withUtcTimes(event, timeNames), 0)]
            : eventLines(event, subject === undefined, asking)),
        );
  } finally {
    interrupt.close();
  }
  io.exit(interruptedExitCode);
}

function eventLines(event: Event, withSubject: boolean, { screen }: Asking): string[] {
  const subject = withSubject ? `  ${screen.text(event.Subject, 30)}` : '';
  const head = `${localTime(event.At * 1000)}  ${screen.text(event.Kind, 30)}${subject}`;
  return event.Detail ? [head, ...wrap(screen.text(event.Detail, 1000), '    ')] : [head];
}
