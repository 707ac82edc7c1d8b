/** `rollcall enroll`: makes this machine a node of a server, after trying that it can be one. */
import { type Command, Option } from 'commander';
import { enrol } from '../enroll/enroll.ts';
import { defaultRoot, type EnrollFlags, readEnrollOptions } from '../enroll/options.ts';
import type { Io } from '../io.ts';
import { systemMachine } from '../machine.ts';

/** Declares `enroll`. */
export function enroll(command: Command, io: Io): void {
  // To commander every --no-… takes something back; this one is a list.
  const noProxy = new Option('--no-proxy <list>', 'hosts reached without the proxy, with commas between');
  noProxy.negate = false;
  command
    .description(
      'Makes this machine a node: tries name, connection, TLS and clock first, and\nregisters only when all are right, so that no activation is used in vain.\nCalled again, it says who the machine is and changes nothing.',
    )
    .option('--server <url>', 'https://HOST:PORT')
    .option('--activation-id <id>', 'from "rollcall activation create"')
    .option('--code-file <file>', 'a file with the code; - is standard input')
    .option('--activation-code <code>', 'the code itself; others see it in ps')
    .option('--region <name>', 'the region of the activation (us-east-1)')
    .option('--root <dir>', 'where the agent keeps its key', defaultRoot)
    .option('--ca-fingerprint <sha256:hex>', 'trust the authority with this fingerprint')
    .option('--ca-file <file>', 'trust these certificates, PEM')
    .option('--proxy <url>', 'http://[USER:PASSWORD@]HOST:PORT, for everything the agent does')
    .addOption(noProxy)
    .option('--foreground', 'run the agent here, instead of as a service')
    .option('--no-service', 'register only')
    .addHelpText(
      'after',
      `
For example:
  sudo rollcall enroll --server https://rollcall.lan:8443 \\
    --activation-id 6f1e0a52-… --code-file code --ca-fingerprint sha256:7f3a…

To undo it: rollcall leave`,
    )
    .action((flags: EnrollFlags) => enrol(readEnrollOptions(flags, io), io, systemMachine()));
}
