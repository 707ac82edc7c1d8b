/** `rollcall trust`: adds a server's authority to what this machine trusts. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { systemMachine } from '../machine.ts';
import { readTarget, trustServer } from '../trust/trust.ts';

/** Declares `trust`. */
export function trust(command: Command, io: Io): void {
  command
    .description(
      "Adds a server's authority to the store of trusted roots that the official\nagent, curl and others read on this machine. Our own agent needs none of it.",
    )
    .argument('<url>', 'https://HOST:PORT')
    .argument('[fingerprint]', 'sha256:… of the authority; without it you are asked')
    .option('--proxy <url>', 'the way out, http://HOST:PORT')
    .addHelpText('after', '\nTo undo it: rollcall untrust URL')
    .action((url: string, fingerprint: string | undefined, flags: { proxy?: string }) =>
      trustServer(readTarget(url, fingerprint, flags.proxy), io, systemMachine()),
    );
}
