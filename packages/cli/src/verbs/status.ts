/** `rollcall status`: is the server there, who is it, and what does it hold. */
import type { GetServerInfoOutput, ListNodesOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, type SharedOptions } from '../options.ts';
import { counted } from '../output/count.ts';
import { wrap } from '../output/table.ts';
import { version } from '../version.ts';
import type { Wire } from '../wire.ts';

/** Declares `status`. */
export function status(command: Command, io: Io): void {
  command.description('Says whether the server answers, who it is and what it holds.');
  dataOption(jsonOption(command)).action((options: SharedOptions) => run(options, io));
}

function run(options: SharedOptions, io: Io): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const info = await client.call<Wire<GetServerInfoOutput>>('rollcall', 'GetServerInfo', {});
    const ahead = Math.round(info.Time - io.now() / 1000);
    const counts = new Map<string, Wire<ListNodesOutput>>();
    for (const region of info.Regions)
      counts.set(region, await client.call('rollcall', 'ListNodes', { MaxResults: 1 }, { region }));
    if (options.json) {
      const Nodes = Object.fromEntries([...counts].map(([region, page]) => [region, page.Total]));
      printJson({ ...info, Nodes });
      return;
    }
    const own = version();
    print(
      `${screen.mark('yes')} Rollcall ${screen.text(info.Version)} answers at ${client.connection.url}`,
      '',
    );
    const row = (title: string, text: string) => print(`${title.padEnd(10)} ${text}`);
    info.PublicUrls.forEach((url, index) => {
      row(index ? '' : 'Server', screen.text(url));
    });
    row('Account', screen.text(info.Account));
    info.Regions.forEach((region, index) => {
      const page = counts.get(region);
      const hidden = page?.HiddenCount ? `, ${page.HiddenCount} more hidden` : '';
      row(
        index ? '' : 'Region',
        `${screen.text(region).padEnd(22)} ${counted(page?.Total ?? 0, 'node')}${hidden}`,
      );
    });
    if (info.Domain) row('Domain', screen.text(info.Domain));
    // The digest is longer than what is left of a line beside a title.
    print('CA', ...wrap(`sha256:${screen.text(info.CaFingerprint).replaceAll(':', '').toLowerCase()}`, '  '));
    if (Math.abs(ahead) > 60) {
      const side = ahead > 0 ? 'ahead of' : 'behind';
      print(`${screen.mark('warning')} The server's clock is ${Math.abs(ahead)} s ${side} this machine's.`);
    }
    if (info.Version !== own) print(`${screen.mark('warning')} This command is Rollcall ${own}.`);
  });
}
