/** `rollcall settings`: what can be changed while the server runs. */

import type { ListSettingsOutput } from '@rollcall/wire';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { atData } from '../at-data.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { dataOption, jsonOption, type SharedOptions } from '../options.ts';
import { wrap } from '../output/table.ts';
import type { Wire } from '../wire.ts';

/** Declares `settings`. */
export function settings(command: Command, io: Io): void {
  command
    .description('Shows the settings, shows one, or changes it. A change takes effect\nat once.')
    .argument('[name]', 'the setting')
    .argument('[value]', 'its new value');
  dataOption(jsonOption(command)).action(
    (name: string | undefined, value: string | undefined, options: SharedOptions) =>
      run(name, value, options, io),
  );
}

function run(
  name: string | undefined,
  value: string | undefined,
  options: SharedOptions,
  io: Io,
): Promise<void> {
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    if (name !== undefined && value !== undefined) {
      await client.call('rollcall', 'PutSetting', { Name: name, Value: value });
      print(`${screen.mark('yes')} ${screen.text(name)} is ${screen.text(value)}.`);
      return;
    }
    const { Settings } = await client.call<Wire<ListSettingsOutput>>('rollcall', 'ListSettings', {});
    const shown = Settings.filter((setting) => name === undefined || setting.Name === name);
    if (name !== undefined && shown.length === 0)
      throw new Failure(
        `There is no setting "${name}". All of them: rollcall settings${atData()}`,
        exitCodes.no,
      );
    if (options.json) {
      printJson({ Settings: shown });
      return;
    }
    for (const setting of shown) {
      const changed = setting.Value === setting.Default ? '' : `   (default ${screen.text(setting.Default)})`;
      print(`${screen.text(setting.Name).padEnd(34)} ${screen.text(setting.Value)}${changed}`);
      print(...wrap(screen.text(setting.Description, 400), '    '));
    }
    if (name === undefined)
      print(
        '',
        `${shown.length} of ${Settings.length} settings. To change one: rollcall settings${atData()} NAME VALUE`,
      );
  });
}
