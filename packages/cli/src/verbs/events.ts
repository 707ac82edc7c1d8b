/** `rollcall events`: what happened by itself and an operator wants to know later. */
import type { EventRecord, ListEventsOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask, readCount } from '../ask.ts';
import type { Io } from '../io.ts';
import { resolveNode } from '../nodes.ts';
import { dataOption, jsonOption, regionOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { wrap } from '../output/table.ts';
import { localTime } from '../output/time.ts';
import { listAll, type Wire } from '../wire.ts';

interface Options extends SharedOptions {
  readonly limit: string;
}
type Event = Wire<EventRecord>;

/** Declares `events`. */
export function events(command: Command, io: Io): void {
  command
    .description(
      'Lists what happened to a node, or, without one, to all of them and the\nserver; latest first.',
    )
    .argument('[node]', 'its id or name')
    .option('--limit <n>', 'at most so many', '50');
  dataOption(regionOption(jsonOption(command))).action((node: string | undefined, options: Options) =>
    run(node, options, io),
  );
}

function run(typed: string | undefined, options: Options, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const Subject = typed === undefined ? undefined : await resolveNode(client, typed);
    const { items, more } = await listAll<Event, Wire<ListEventsOutput>>(
      client,
      'ListEvents',
      Subject === undefined ? {} : { Subject },
      (each) => each.Events,
      { limit: readCount(options.limit, '--limit') },
    );
    if (options.json) {
      printJson({ Events: items });
      return;
    }
    for (const event of items) {
      const subject = Subject === undefined ? `  ${screen.text(event.Subject, 30)}` : '';
      print(`${localTime(event.At * 1000)}  ${screen.text(event.Kind, 30)}${subject}`);
      if (event.Detail) print(...wrap(screen.text(event.Detail, 1000), '    '));
    }
    const rest = more ? `; there are more: --limit ${items.length * 10}` : '';
    print(...(items.length ? [''] : []), `${counted(items.length, 'event')}${rest}.`);
  });
}
