/** Letting more machines in by an activation that has run out, with the code that they have already. */

import type { RenewActivationOutput } from '@rollcall/wire';
import { ask, readCount } from '../ask.ts';
import { atData } from '../at-data.ts';
import type { Io } from '../io.ts';
import type { SharedOptions } from '../options.ts';
import { localTime } from '../output/time.ts';
import { readUntil } from '../since.ts';
import type { Wire } from '../wire.ts';
import { readActivationId } from './list.ts';

/** Flags of `activation renew`. */
export interface RenewOptions extends SharedOptions {
  readonly expires?: string;
  readonly limit?: string;
}

/** Renews it, and says what is so now. */
export function renewActivation(id: string, options: RenewOptions, io: Io): Promise<void> {
  const input = {
    ActivationId: readActivationId(id),
    ...(options.expires && { ExpirationDate: readUntil(options.expires, io.now(), '--expires') }),
    ...(options.limit && { RegistrationLimit: readCount(options.limit, '--limit', 1000) }),
  };
  return ask(io, options, async ({ client, screen, print, printJson }) => {
    const renewed = await client.call<Wire<RenewActivationOutput>>('rollcall', 'RenewActivation', input);
    if (options.json) {
      printJson(renewed);
      return;
    }
    const left = renewed.RegistrationLimit - renewed.RegistrationsCount;
    print(
      `${screen.mark('yes')} ${screen.text(renewed.ActivationId)} lets machines in again.`,
      `    Until ${localTime(renewed.ExpirationDate * 1000)}; ${renewed.RegistrationsCount} of ${renewed.RegistrationLimit} used. The code stays as it was.`,
    );
    if (left <= 0)
      print(
        `${screen.mark('warning')} None is left. To let more in:`,
        `    rollcall activation renew${atData()} ${screen.text(renewed.ActivationId)} \\`,
        `    --limit ${Math.min(1000, renewed.RegistrationLimit + 10)}`,
      );
    else print('    Machines that try by themselves come; or run their line again.');
  });
}
