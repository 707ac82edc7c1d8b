/** `rollcall leave`: takes back what `enroll` did on this machine, and lists what is gone. */
import type { Command } from 'commander';
import { resolveFolder } from '../context.ts';
import { type LeaveOptions, leaveServer } from '../enroll/leave.ts';
import { defaultRoot } from '../enroll/options.ts';
import type { Io } from '../io.ts';
import { systemMachine } from '../machine.ts';

/** Declares `leave`. */
export function leave(command: Command, io: Io): void {
  command
    .description(
      "Undoes enroll on this machine: stops and removes the service and the agent's\nkey. The server isn't told: there the node stays until it is deregistered.",
    )
    .option('--root <dir>', 'where the agent keeps its key', defaultRoot)
    .option('--program', 'also remove the program that the enrolment script installed')
    .action((flags: LeaveOptions) =>
      leaveServer({ ...flags, root: resolveFolder(flags.root, io) }, io, systemMachine()),
    );
}
