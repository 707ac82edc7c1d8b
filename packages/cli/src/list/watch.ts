/** The list of nodes as it changes: on a terminal one page that is drawn anew, elsewhere a line for each change. */
import { type Asking, ask, readCount } from '../ask.ts';
import { interruptedExitCode, onInterrupt } from '../commands/interrupt.ts';
import { followEvents } from '../follow-events.ts';
import { insist } from '../insist.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { localTime } from '../output/time.ts';
import { listAll } from '../wire.ts';
import {
  type Node,
  type NodeChoice,
  type NodePage,
  nameOf,
  nodeFooter,
  nodeTable,
  statusWords,
} from './node-table.ts';

/** Flags of `nodes --watch`. */
export interface WatchOptions extends SharedOptions, NodeChoice {
  readonly limit?: string;
}

/** Seconds after which the list is read again although nothing was told: channels come and go without events. */
const patience = 5;
/** Nodes that are watched at most, unless told otherwise. */
const usual = 1000;

/** Watches until Ctrl-C. */
export function watchNodes(options: WatchOptions, io: Io): Promise<void> {
  const limit = readCount(options.limit ?? String(usual), '--limit');
  return ask(io, options, async (asking) => {
    const interrupt = onInterrupt();
    const { signal } = interrupt;
    const show = io.stdout.isTTY ? page(options, asking, io) : changes(options, asking, io);
    const onTrouble = (reason: string | undefined) =>
      io.stderr.write(
        `${reason === undefined ? 'The server answers again.' : asking.screen.text(reason, 200)}\n`,
      );
    try {
      // Whatever happened is a reason to look; what is shown is always the list itself.
      for await (const _ of followEvents(asking.client, { signal, onTrouble, patience })) {
        const list = await insist(() => read(asking, options, limit), { signal, onTrouble });
        if (!list) break;
        show(list.items, list.page);
      }
    } finally {
      interrupt.close();
    }
    io.exit(interruptedExitCode);
  });
}

function read({ client }: Asking, options: WatchOptions, limit: number) {
  const input = { ...(options.hidden && { Hidden: true }), ...(options.name && { Name: options.name }) };
  return listAll<Node, NodePage>(client, 'ListNodes', input, (each) => each.Nodes, { limit });
}

type Show = (nodes: readonly Node[], page: NodePage) => void;

/** Draws the whole page, as many rows of it as the terminal has; those that aren't Online come first. */
function page(options: WatchOptions, { screen, region }: Asking, io: Io): Show {
  return (nodes, last) => {
    const sorted = [...nodes].sort(
      (a, b) => Number(a.PingStatus === 'Online') - Number(b.PingStatus === 'Online'),
    );
    const footer = [
      ...nodeFooter(nodes, last, options, region, screen),
      `${localTime(io.now())}   Ctrl-C ends it`,
    ];
    const room = Math.max(3, (io.stdout.rows ?? 24) - footer.length - 2);
    const table = nodeTable(sorted, options, io.now(), screen);
    const shown = table.slice(0, room);
    const rest = table.length - shown.length;
    const lines = [...shown, ...(rest > 0 ? [`${screen.ellipsis} ${rest} more`] : ['']), ...footer];
    io.stdout.write(`\u001b[H\u001b[J${lines.join('\n')}\n`);
  };
}

/** Prints the list once, and from then on what changed. */
function changes(options: WatchOptions, { screen, region, print, printJson }: Asking, io: Io): Show {
  let before: Map<string, Node> | undefined;
  return (nodes, last) => {
    if (before === undefined && options.json) printJson({ Nodes: nodes, Total: last.Total });
    else if (before === undefined) {
      const table = nodeTable(nodes, options, io.now(), screen);
      print(...table, ...(table.length ? [''] : []), ...nodeFooter(nodes, last, options, region, screen));
    } else {
      const say = (node: Node, what: string, good: boolean) => {
        const at = localTime(io.now());
        const name = screen.text(nameOf(node), 20);
        print(
          `${at}  ${screen.mark(good ? 'yes' : 'no')} ${screen.text(node.InstanceId)}  ${name}`.trimEnd(),
        );
        print(`    ${what}`);
      };
      for (const node of nodes) {
        const old = before.get(node.InstanceId);
        const now = standing(node);
        const good = node.PingStatus === 'Online' && node.ChannelOpen;
        if (!old) say(node, `new in the list: ${now}`, good);
        else if (standing(old) !== now) say(node, `${standing(old)} > ${now}`, good);
      }
      const ids = new Set(nodes.map((node) => node.InstanceId));
      for (const [id, node] of before) if (!ids.has(id)) say(node, 'not in this list any more', false);
    }
    before = new Map(nodes.map((node) => [node.InstanceId, node]));
  };
}

function standing(node: Node): string {
  return `${statusWords(node.PingStatus)}, channel ${node.ChannelOpen ? 'open' : 'none'}`;
}
