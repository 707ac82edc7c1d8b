/** `rollcall untrust`: removes a server's authority from what this machine trusts. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { systemMachine } from '../machine.ts';
import { readTarget, untrustServer } from '../trust/trust.ts';

/** Declares `untrust`. */
export function untrust(command: Command, io: Io): void {
  command
    .description('Removes what "rollcall trust" added to the store of trusted roots.')
    .argument('<url>', 'https://HOST:PORT')
    .argument('[fingerprint]', "sha256:… of the authority, when the server doesn't answer any more")
    .option('--proxy <url>', 'the way out, http://HOST:PORT')
    .action((url: string, fingerprint: string | undefined, flags: { proxy?: string }) =>
      untrustServer(readTarget(url, fingerprint, flags.proxy), io, systemMachine()),
    );
}
